// How the pages look: readable in any width, light or dark as the reader prefers.
export const STYLE = `:root { color-scheme: light dark; }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; }
nav, main { max-width: 60rem; margin: 0 auto; padding: 0.75rem 1rem; }
nav a { margin-right: 1rem; }
pre { padding: 0.75rem; overflow-x: auto; border: 1px solid #8886; border-radius: 4px; }
code { font: 0.9em ui-monospace, monospace; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: 0.3rem 0.6rem; border: 1px solid #8886; text-align: left; vertical-align: top; }
`;
