// A real browser, where the machine has one. It is driven by playwright-core, which brings none.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Cleanup } from './database.ts';
import { installTestTools, requireTool } from './test-tools.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

const isThere = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // the answer to the question
  }
};

/** Its path; undefined where there is none. */
export const CHROMIUM: string | undefined = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .find(isThere);

/** What to say of a test that needs it, as its option `skip`: false where it is there. */
export const WITHOUT_CHROMIUM: string | false =
  CHROMIUM === undefined && `no browser is installed (${NAMES.join(', ')}); .ci/run installs one`;

export type Page = {
  readonly goto: (url: string) => Promise<unknown>;
  /** Runs a function in the page. It is sent as text: nothing around it goes with it. */
  readonly evaluate: <Given, Result>(run: (given: Given) => Result | Promise<Result>, given: Given) => Promise<Result>;
  readonly on: (event: 'pageerror', listener: (error: Error) => void) => void;
};

/** An empty page of a new browser, which is closed after the test. */
export const openPage = async (t: Cleanup): Promise<Page> => {
  await installTestTools();
  const { chromium } = requireTool('playwright-core');
  // Chromium refuses to run as root with its sandbox; nothing is opened in it but our own pages.
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  t.after(() => browser.close());
  return await browser.newPage();
};
