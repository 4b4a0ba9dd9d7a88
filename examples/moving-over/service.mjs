// The clients of a service: of the one that a credentials file names, otherwise of the one that the TASKCLUSTER_ variables name.
import { readFile } from 'node:fs/promises';
import taskcluster from 'taskcluster-client';

export const connect = async (credentialsFile) => {
  const { rootUrl, ...credentials } =
    credentialsFile === undefined ? fromVariables() : JSON.parse(await readFile(credentialsFile, 'utf8'));
  const options = { rootUrl, credentials };
  return { rootUrl, hooks: new taskcluster.Hooks(options), auth: new taskcluster.Auth(options) };
};

const fromVariables = () => {
  const { rootUrl, credentials } = taskcluster.fromEnvVars();
  if (rootUrl) return { rootUrl, ...credentials };
  throw new Error(
    'Set TASKCLUSTER_ROOT_URL, TASKCLUSTER_CLIENT_ID and TASKCLUSTER_ACCESS_TOKEN, or give --credentials FILE',
  );
};

/** All items of a method that answers in pages. */
export const allPages = async (method, key) => {
  const items = [];
  let continuationToken;
  do {
    const page = await method(continuationToken === undefined ? {} : { continuationToken });
    items.push(...page[key]);
    continuationToken = page.continuationToken;
  } while (continuationToken !== undefined);
  return items;
};
