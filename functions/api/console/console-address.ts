/** The page that people open. */
export const consoleUrlOf = (hubUrl: string): string => `${hubUrl}/console`;

/**
 * Opens the console signed in. The code stands in the fragment: browsers send that to no server, so neither logs nor a
 * Referer hold it, and whoever fetches the link beforehand, as scanners of mail do, fetches a page and uses nothing up.
 */
export const signInUrlOf = (hubUrl: string, code: string): string => `${consoleUrlOf(hubUrl)}/sign-in#code=${code}`;

/** Where the identity provider sends browsers back to; registered there for the client. */
export const signInRedirectUriOf = (hubUrl: string): string => `${consoleUrlOf(hubUrl)}/sign-in/callback`;
