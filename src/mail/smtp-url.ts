// The URL of a mail server: smtp://user:password@host:port or smtps://. Nothing is said of what is
// wrong: the text has a password in it.

/** undefined when it is not one. */
export const parseSmtpUrl = (text: string): URL | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isFit =
    url &&
    /^smtps?:$/.test(url.protocol) &&
    url.hostname !== '' &&
    /^\/?$/.test(url.pathname) &&
    !url.search &&
    !url.hash &&
    (url.username === '') === (url.password === '') &&
    isPercentEncoded(url.username + url.password);
  return isFit ? url : undefined;
};

const isPercentEncoded = (text: string): boolean => {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false; // that is the question
  }
};
