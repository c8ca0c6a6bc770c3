// Kept by this tab alone and until it is closed: a reload stays signed in, another tab signs in anew, and no disk has it.
const tokenName = 'mailbox-sync.token';
const pendingName = 'mailbox-sync.sign-in';

/** @param {string} token the bearer token of who is signed in */
export const keepToken = (token) => sessionStorage.setItem(tokenName, token);

export const forgetToken = () => sessionStorage.removeItem(tokenName);

/** @returns {string | null} null: nobody is signed in */
export const keptToken = () => sessionStorage.getItem(tokenName);

/** @param {string} pending a sign-in that goes on at the identity provider, as the hub sealed it */
export const keepPending = (pending) => sessionStorage.setItem(pendingName, pending);

/** @returns {string} what was kept, this once; empty: this tab began no sign-in */
export const takePending = () => {
  const pending = sessionStorage.getItem(pendingName) ?? '';
  sessionStorage.removeItem(pendingName);
  return pending;
};
