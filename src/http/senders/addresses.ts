// Addresses of senders: whether they belong to a network, and which one it is behind proxies.
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

const NETWORK = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/;

type Network = { readonly address: string; readonly family: 'ipv4' | 'ipv6'; readonly bits: number };

const readNetwork = (text: string): Network | undefined => {
  const [, address = '', bits] = NETWORK.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const size = bits === undefined ? most : Number(bits);
  return size <= most ? { address, family: version === 4 ? 'ipv4' : 'ipv6', bits: size } : undefined;
};

/** An address, or a network: `192.0.2.0/24`, `2001:db8::/32`. */
export const isNetwork = (text: string): boolean => readNetwork(text) !== undefined;

/** Whether an address is in one of these networks. */
export const createAddressCheck = (networks: readonly string[]): ((address: string) => boolean) => {
  const list = new BlockList();
  for (const { address, family, bits } of networks.flatMap((text) => readNetwork(text) ?? [])) {
    list.addSubnet(address, bits, family);
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
};

/** As IPv4 where it is one in the clothes of IPv6. */
const plainAddress = (address: string): string => address.replace(/^::ffff:(?=[0-9.]+$)/i, '');

export type ClientAddress = (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string;

/**
 * The address of who sent a request. What X-Forwarded-For says is believed of proxies in these
 * networks only, from the last to the first of them.
 */
export const createClientAddress = (proxies: readonly string[]): ClientAddress => {
  const isProxy = createAddressCheck(proxies);
  return ({ socket, headers }) => {
    const forwarded = proxies.length === 0 ? [] : String(headers['x-forwarded-for'] ?? '').split(',');
    let address = plainAddress(socket.remoteAddress ?? '');
    while (isProxy(address)) {
      const before = plainAddress(forwarded.pop()?.trim() ?? '');
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
};
