import * as z from 'zod';

const text = (limit: number) => z.string().max(limit);
const phoneNumber = z.string().min(1).max(100);
const calendarDate = z.iso.date();

const postalAddress = z.strictObject({
  street: text(400).optional(),
  city: text(200).optional(),
  state: text(200).optional(),
  postalCode: text(50).optional(),
  country: text(200).optional(),
  postOfficeBox: text(100).optional(),
});

const addresses = z.strictObject({
  business: postalAddress.optional(),
  home: postalAddress.optional(),
  other: postalAddress.optional(),
});

const phones = z.strictObject({
  business: z.array(phoneNumber).max(5).optional(),
  home: z.array(phoneNumber).max(5).optional(),
  mobile: phoneNumber.optional(),
  fax: phoneNumber.optional(),
  pager: phoneNumber.optional(),
  assistant: phoneNumber.optional(),
  callback: phoneNumber.optional(),
  car: phoneNumber.optional(),
  company: phoneNumber.optional(),
  homeFax: phoneNumber.optional(),
  other: phoneNumber.optional(),
  otherFax: phoneNumber.optional(),
  primary: phoneNumber.optional(),
  radio: phoneNumber.optional(),
});

const personShape = {
  givenName: text(200).optional(),
  middleName: text(200).optional(),
  surname: text(200).optional(),
  nickname: text(200).optional(),
  title: text(100).optional(),
  jobTitle: text(200).optional(),
  department: text(200).optional(),
  company: text(400).optional(),
  manager: text(200).optional(),
  assistant: text(200).optional(),
  spouse: text(200).optional(),
  children: z.array(text(200)).max(20).optional(),
  birthday: calendarDate.optional(),
  anniversary: calendarDate.optional(),
  governmentId: text(100).optional(),
  webPage: text(1000).optional(),
  notes: text(32_000).optional(),
  phones: phones.optional(),
  addresses: addresses.optional(),
};

export const contactFieldsSchema = z.strictObject(personShape).meta({ id: 'ContactFields' });

export const leadFieldsSchema = z
  .strictObject({ ...personShape, topic: text(400).optional() })
  .meta({ id: 'LeadFields' });

export const accountFieldsSchema = z
  .strictObject({
    accountNumber: text(100).optional(),
    industry: text(200).optional(),
    employees: z.int().min(0).optional(),
    webPage: text(1000).optional(),
    notes: text(32_000).optional(),
    phones: phones.optional(),
    addresses: addresses.optional(),
  })
  .meta({ id: 'AccountFields' });

// Beyond these the table could not store a number, and 32 levels are the deepest it takes.
const depthLimit = 12;
const smallest = 1e-100;

const storable = (value: unknown, depth: number): boolean => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number')
    return Math.abs(value) <= Number.MAX_SAFE_INTEGER && (value === 0 || Math.abs(value) >= smallest);
  if (typeof value !== 'object' || depth === 0) return false;
  return Object.entries(value).every(([name, inner]) => name !== '' && storable(inner, depth - 1));
};

/** A number that every part of the system keeps exactly. */
export const storableNumberSchema = z.number().refine((value) => storable(value, 0), 'a number of at most 2^53 - 1');

/** Fields of a type that has no schema here: any JSON, as long as it can be kept exactly. */
const openFieldsSchema = z
  .record(z.string().min(1).max(100), z.unknown())
  .refine((fields) => storable(fields, depthLimit), 'at most 12 levels, named members, numbers of at most 2^53 - 1');

/** What `fields` of a record of this type may hold. */
export const fieldsSchemaOf = (type: string): z.ZodType<Record<string, unknown>> => {
  if (type === 'contact') return contactFieldsSchema;
  if (type === 'lead') return leadFieldsSchema;
  if (type === 'account') return accountFieldsSchema;
  return openFieldsSchema;
};
