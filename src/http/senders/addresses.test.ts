import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { createAddressCheck, createClientAddress, isNetwork } from './addresses.ts';

describe('a network', () => {
  it('is an address, or an address and how many bits of it count', () => {
    for (const text of ['192.0.2.7', '192.0.2.0/24', '0.0.0.0/0', '2001:db8::/32', '::1', '::/0'])
      assert.ok(isNetwork(text), text);
    const none = [
      '',
      'x',
      '192.0.2',
      '192.0.2.0/33',
      '192.0.2.0/',
      '192.0.2.0/-1',
      '::/129',
      '192.0.2.7 ',
      'a.example.com',
    ];
    for (const text of none) assert.ok(!isNetwork(text), text);
  });

  it('has the addresses that begin as it does, of its own kind', () => {
    const isIn = createAddressCheck(['192.0.2.0/24', '198.51.100.7', '2001:db8::/32']);
    for (const address of ['192.0.2.0', '192.0.2.255', '198.51.100.7', '2001:db8:1::5'])
      assert.ok(isIn(address), address);
    for (const address of ['192.0.3.0', '198.51.100.8', '2001:db9::1', '', 'unknown'])
      assert.ok(!isIn(address), address);
  });
});

describe('the address of a sender', () => {
  const addressOf = (proxies: readonly string[], remoteAddress: string, forwarded?: string) =>
    createClientAddress(proxies)({
      socket: { remoteAddress } as IncomingMessage['socket'],
      headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    });

  it('is that of the connection, whatever the sender writes of it', () => {
    assert.equal(addressOf([], '203.0.113.9', '192.0.2.1'), '203.0.113.9');
    assert.equal(addressOf(['10.0.0.0/8'], '203.0.113.9', '192.0.2.1'), '203.0.113.9');
    assert.equal(addressOf([], '::ffff:203.0.113.9'), '203.0.113.9');
  });

  it('is the last one that no trusted proxy has', () => {
    const proxies = ['10.0.0.0/8', '::1'];
    assert.equal(addressOf(proxies, '10.0.0.1', '192.0.2.1'), '192.0.2.1');
    assert.equal(addressOf(proxies, '::ffff:10.0.0.1', '198.51.100.1, 192.0.2.1, 10.0.0.2'), '192.0.2.1');
    assert.equal(addressOf(proxies, '::1', '10.0.0.3'), '10.0.0.3');
    assert.equal(addressOf(proxies, '::1'), '::1');
    assert.equal(addressOf(proxies, '::1', 'unknown'), '::1');
  });
});
