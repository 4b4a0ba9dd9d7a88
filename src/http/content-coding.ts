// How an answer is compressed: the coding that its reader likes best, made off the main thread.
import { brotliCompress, constants, gzip } from 'node:zlib';

export type ContentCoding = 'br' | 'gzip';

/** Smaller ones would hardly become smaller, and are the ones that come often. */
export const COMPRESSED_FROM_BYTES = 1_024;

const BROTLI = {
  [constants.BROTLI_PARAM_QUALITY]: 4, // its own default, 11, takes many times as long for little less
  [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
};

type Preference = { readonly coding: string; readonly quality: number };

/** `gzip;q=0.5` */
const preferenceIn = (item: string): Preference => {
  const [coding = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
  const given = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = given === undefined ? 1 : Number(given.slice(2));
  return { coding: coding === 'x-gzip' ? 'gzip' : coding, quality: quality >= 0 && quality <= 1 ? quality : 0 };
};

/**
 * What to compress with; undefined where the reader did not ask for it, or likes the plain text
 * better.
 */
export const chooseCoding = (acceptEncoding: string | undefined): ContentCoding | undefined => {
  if (acceptEncoding === undefined) return undefined;
  const preferences = acceptEncoding.split(',').map(preferenceIn);
  const qualityOf = (name: string): number | undefined => preferences.find(({ coding }) => coding === name)?.quality;
  const others = qualityOf('*') ?? 0;
  const br = qualityOf('br') ?? others;
  const gzipped = qualityOf('gzip') ?? others;
  const best = Math.max(br, gzipped);
  if (best === 0 || best < (qualityOf('identity') ?? 0)) return undefined;
  return br === best ? 'br' : 'gzip';
};

type Done = (error: Error | null, compressed: Buffer) => void;

export const compress = (coding: ContentCoding, text: string, bytes: number, done: Done): void => {
  if (coding === 'gzip') gzip(text, done);
  else brotliCompress(text, { params: { ...BROTLI, [constants.BROTLI_PARAM_SIZE_HINT]: bytes } }, done);
};
