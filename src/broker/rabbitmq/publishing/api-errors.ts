// What RabbitMQ answers when it refuses something, as callers of the API are told it.
import { describeError } from '../../../core/errors.ts';
import { ApiError } from '../../../http/api-error.ts';

/** AMQP's reply code: 404, 403, 406 and so on. */
export const codeOf = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number'
    ? error.code
    : undefined;

export const asApiError = (error: unknown, exchange: string): ApiError => {
  if (error instanceof ApiError) return error;
  switch (codeOf(error)) {
    case 404:
      return new ApiError(
        'ResourceNotFound',
        `RabbitMQ has no exchange \`${exchange}\`. Whoever publishes there makes it; to make a durable topic exchange now, publish to it with \`declare\`.`,
      );
    case 403:
      return new ApiError(
        'InputError',
        `RabbitMQ does not allow this server to do that with \`${exchange}\`: ${reasonOf(error)}`,
      );
    case 406:
      return new ApiError('RequestConflict', `RabbitMQ refuses that of \`${exchange}\`: ${reasonOf(error)}`);
    default:
      return new ApiError('ServiceUnavailable', `RabbitMQ failed: ${describeError(error)}`, error);
  }
};

/**
 * The broker's own words: `ACCESS_REFUSED - access to exchange 'x' in vhost '/' refused for user
 * 'y'`.
 */
const reasonOf = (error: unknown): string => {
  const message = describeError(error);
  return /with message "(.*)"$/s.exec(message)?.[1] ?? message;
};
