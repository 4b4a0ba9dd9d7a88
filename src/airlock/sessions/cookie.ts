// The cookie of a session: `urbauth-~zod=0v4.ilskp.psv00.t09r0.l8rps.3n97v`. Written and read by
// hand: its name has a sig in it, which cookie libraries refuse.
import aura from '@urbit/aura';
import { newBits128 } from '../../core/ids.ts';

export type Cookie = {
  /** `~zod` */
  readonly ship: string;
  readonly value: string;
};

const PAIR = /^urbauth-(~[a-z-]{3,63})=(0v[0-9a-v]{1,5}(?:\.[0-9a-v]{5}){0,5})$/;
/** A browser has one for each ship that has logged in here; of these one is good. */
const MOST_READ = 8;

export const newCookieValue = (): string => aura.render('uv', newBits128());

export const readCookies = (header: string | undefined): Cookie[] =>
  (header ?? '')
    .split(';')
    .flatMap((pair) => {
      const [, ship, value] = PAIR.exec(pair.trim()) ?? [];
      return ship === undefined || value === undefined ? [] : [{ ship, value }];
    })
    .slice(0, MOST_READ);

/** For `set-cookie`. `seconds`: 0 takes it away. */
export const cookieText = ({ ship, value }: Cookie, seconds: number, isSecure: boolean): string =>
  `urbauth-${ship}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
