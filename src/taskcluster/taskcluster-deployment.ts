// The Taskcluster deployment that a server is part of, and who the server is there.

export type TaskclusterDeployment = {
  /** Scheme, host and port. */
  readonly rootUrl: URL;
  readonly clientId: string;
  readonly accessToken: string;
  /** Of temporary credentials. */
  readonly certificate: object | undefined;
};

/**
 * A root URL has scheme, host and port, and nothing else; undefined when the text has more or is
 * none.
 */
export const parseRootUrl = (text: string): URL | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isFit =
    url &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === '/' &&
    !url.search &&
    !url.hash &&
    !url.username &&
    !url.password;
  return isFit ? url : undefined;
};

/** undefined when the text is no certificate. Whether it is good is for Auth to say. */
export const parseCertificate = (text: string): object | undefined => {
  try {
    const parsed: unknown = JSON.parse(text);
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject && 'seed' in parsed && 'signature' in parsed ? parsed : undefined;
  } catch {
    return undefined; // that is the question
  }
};
