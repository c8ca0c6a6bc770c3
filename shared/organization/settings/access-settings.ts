import * as z from 'zod';

export const access = z.object({
  identityProvider: z.boolean().default(false).meta({
    description:
      'Whether users sign in to the console at the identity provider of the deployment, where it has one. To take it back ends the sessions that were so begun.',
  }),
  identityProviderOrganization: z.string().min(1).max(200).nullable().default(null).meta({
    description:
      'What the identity provider calls this organization: the value that the claim named by the deployment must have. Needed where the deployment names a claim.',
  }),
});
