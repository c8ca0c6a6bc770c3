import type { ContentStore } from '../../../shared/platform/content-store.ts';

const absent = (): never => {
  throw new Error('The content in memory is only written');
};

/** Takes content and keeps its size only: what a bucket does with it is not what is measured. */
export const createMemoryContent = (): ContentStore & { readonly bytes: () => number } => {
  let bytes = 0;
  return {
    bytes: () => bytes,
    put: async (_, content) => {
      bytes += content.length;
    },
    putStream: async (_, content) => {
      let length = 0;
      for await (const piece of content) length += piece.length;
      bytes += length;
      return length;
    },
    removeAll: async () => 0,
    read: async () => absent(),
    stream: async () => absent(),
    size: async () => absent(),
    downloadUrl: async () => absent(),
    uploadUrl: async () => absent(),
  };
};
