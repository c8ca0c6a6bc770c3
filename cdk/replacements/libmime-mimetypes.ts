/** Takes the place of libmime's table of media types in the bundles: nobody here asks libmime for the type of a file name. */
export const list = {};
export const extensions = {};
