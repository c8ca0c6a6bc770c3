/** What servers keep with folders and messages for their users: keywords, and an identity that a new name leaves alone. */
export interface FolderMarks {
  /** UIDs of the messages that bear the keyword, in rising order; none when there is no such folder. */
  listKeyword(folder: string, keyword: string): Promise<readonly number[]>;
  /**
   * Puts keywords on messages and takes others off. False when the folder has got another identity, or when the server
   * keeps no such keyword in it.
   */
  changeKeywords(
    folder: string,
    uidValidity: string,
    uids: readonly number[],
    change: { readonly add?: readonly string[]; readonly remove?: readonly string[] },
  ): Promise<boolean>;
  /**
   * Moves messages to a folder, which is made where there is none. False when the folder that they stand in has got
   * another identity, or when the server refuses.
   */
  moveMessages(folder: string, uidValidity: string, uids: readonly number[], target: string): Promise<boolean>;
  /** What stays the same when the folder gets another name (OBJECTID, RFC 8474); undefined where the server has none. */
  identityOf(folder: string): Promise<string | undefined>;
}
