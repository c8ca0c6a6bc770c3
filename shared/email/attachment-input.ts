import * as z from 'zod';

const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
// ASCII alone, as in a header of HTTP: S3 refuses the signature of any other.
const quoted = '"[ !#-\\[\\]-~]*"';
const mediaType = new RegExp(
  `^(?!multipart/)${token}/${token}(?:[ \\t]*;[ \\t]*${token}=(?:${token}|${quoted}))*$`,
  'i',
);

export const addAttachmentSchema = z
  .strictObject({
    fileName: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[^\p{Cc}\u2028\u2029/\\]+$/u, 'a file name without path and control characters'),
    contentType: z.string().max(255).regex(mediaType, 'a media type such as application/pdf'),
    contentBase64: z.base64().optional().meta({ description: 'The bytes, up to 3 MB.' }),
    sizeBytes: z.int().min(1).optional().meta({ description: 'How many bytes will be uploaded.' }),
    contentId: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]+$/, 'a Content-ID without angle brackets')
      .optional()
      .meta({ description: 'Makes it an inline part, referred to by cid: in the HTML body.' }),
  })
  .refine((input) => (input.contentBase64 === undefined) !== (input.sizeBytes === undefined), {
    message: 'either contentBase64 or sizeBytes is needed',
    path: ['contentBase64'],
    params: { code: 'required' },
  });
export type AddAttachmentInput = z.output<typeof addAttachmentSchema>;
