import { FaultError } from '../../shared/platform/fault.ts';
import { type FaultCode, faultCatalogue } from '../../shared/platform/fault-catalogue.ts';
import { describeProblem } from './reference/describe-problem.ts';
import type { RouteAnswer } from './route.ts';

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

const isCode = (text: string): text is FaultCode => Object.hasOwn(faultCatalogue, text);

const renderPage = (code: FaultCode): string => {
  const { title } = faultCatalogue[code];
  const rows = [...describeProblem(code), ['Code', code] as const];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; color: #16191f; }
h1 { font-size: 1.5rem; }
dt { font-weight: 600; margin-top: 1rem; }
dd { margin: 0; }
</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<dl>
${rows.map(([name, text]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(text)}</dd>`).join('\n')}
</dl>
</body>
</html>
`;
};

/**
 * The page that the `type` of a problem leads to, for people: what the code means and what to do.
 *
 * @throws FaultError notFound, methodNotAllowed
 */
export const answerProblemPage = (method: string, segments: readonly string[]): RouteAnswer => {
  const [code, ...rest] = segments;
  if (code === undefined || rest.length > 0 || !isCode(code)) throw new FaultError('notFound');
  if (method !== 'GET') throw new FaultError('methodNotAllowed', { headers: { allow: 'GET' } });
  return {
    status: 200,
    body: renderPage(code),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'public, max-age=3600',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    },
  };
};
