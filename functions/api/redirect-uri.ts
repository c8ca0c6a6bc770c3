/** Where authorization servers send browsers back to; registered there for the client. */
export const redirectUriOf = (hubUrl: string): string => `${hubUrl}/v1/oauth/callback`;
