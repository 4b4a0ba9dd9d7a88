// Login codes: four words of two random syllables each, `lidlut-tabwed-pillex-ridrup`, written as
// the names of ships are.
import { randomBytes } from 'node:crypto';
import aura from '@urbit/aura';

const BYTES = 8;
const CODE = /^[a-z]{6}(-[a-z]{6}){3}$/;

export const newLoginCode = (): string => {
  for (;;) {
    const code = aura.render('p', randomBytes(BYTES).readBigUInt64BE()).slice(1);
    if (CODE.test(code)) return code; // one of 65,536 has three words
  }
};

/** As it was given out; undefined when it is no code. A sig before it is part of some habits. */
export const readLoginCode = (text: string): string | undefined => {
  const code = text.trim().replace(/^~/, '');
  return CODE.test(code) ? code : undefined;
};
