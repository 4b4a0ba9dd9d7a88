// The frame of every page that a browser is sent.
import { escapeHtml } from './render-document.ts';

export const STYLE_PATH = '/docs/style.css';

/** `content` and `navigation` are HTML, `title` is text. */
export const htmlPage = (title: string, content: string, navigation = ''): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
${navigation}<main>
${content}
</main>
</body>
</html>
`;
