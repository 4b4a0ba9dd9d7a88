// The page on which people log in with a browser, without a script.
import { htmlPage } from '../../http/pages/html-page.ts';
import { escapeHtml } from '../../http/pages/render-document.ts';

export const LOGIN_PAGE_POLICY =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export const loginPage = (problem: string | undefined, redirect: string): string =>
  htmlPage(
    'Log in',
    `<h1>Log in</h1>
${problem === undefined ? '' : `<p role="alert">${escapeHtml(problem)}</p>`}
<form method="post" action="/~/login">
<p><label>Login code of the ship <input type="password" name="password" autocomplete="current-password" autofocus required></label></p>
<input type="hidden" name="redirect" value="${escapeHtml(redirect)}">
<p><button>Log in</button></p>
</form>`,
  );

/** The path, if it leads to this server; `/` otherwise. */
export const ownPath = (path: string): string => {
  const here = 'http://here.invalid';
  if (!path.startsWith('/') || !URL.canParse(path, here)) return '/';
  const { origin, pathname, search, hash } = new URL(path, here);
  // `//elsewhere` may come of dots that were resolved.
  return origin === here && !pathname.startsWith('//') ? `${pathname}${search}${hash}` : '/';
};
