// What an attempt to connect to RabbitMQ failed of, for the operator. The library tells of refusals
// in words only.
import { describeError, errorCode, OperatorError } from '../../../core/errors.ts';

const REFUSED_LOGIN = /^Handshake terminated by server: 403\b/;
const REFUSED_VHOST = /^Expected ConnectionOpenOk; got <ConnectionClose\b/;
const NEED_EXTRA_CA = /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)/;

export const whyNotConnected = (
  error: unknown,
  { address, user }: { address: string; user: string },
): OperatorError => {
  const message = describeError(error);
  if (REFUSED_LOGIN.test(message)) {
    return new OperatorError('HW_AMQP_REFUSED', { address, user, reason: 'wrong user or password' });
  }
  if (REFUSED_VHOST.test(message)) {
    const reason = 'there is no such virtual host, or this user may not enter it';
    return new OperatorError('HW_AMQP_REFUSED', { address, user, reason });
  }
  const hint = NEED_EXTRA_CA.test(errorCode(error) ?? '')
    ? ' (NODE_EXTRA_CA_CERTS names a file of more authorities)'
    : '';
  return new OperatorError('HW_AMQP_UNREACHABLE', { address, reason: `${message.trim()}${hint}` });
};
