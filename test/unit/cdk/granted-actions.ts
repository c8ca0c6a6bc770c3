import { at, list, ofType, property, type Resource, referenceIn } from './synthesize.ts';

/** `api` of the function mailbox-sync-api. */
export const nameOf = (lambda: Resource): string =>
  String(property(lambda, 'FunctionName')).slice('mailbox-sync-'.length);

/** The statements of the policies of a function's role. */
export const statementsFor = (resources: readonly Resource[], lambda: Resource): readonly unknown[] =>
  ofType(resources, 'AWS::IAM::Policy')
    .filter((policy) => list(policy, 'Roles').some((role) => at(role, 'Ref') === referenceIn(lambda, 'Role')))
    .flatMap((policy) => list(policy, 'PolicyDocument.Statement'));

export const actionsOf = (statement: unknown): readonly string[] => [at(statement, 'Action')].flat().map(String);

/** All that the function of this name may do, on whatever. */
export const grantedActions = (resources: readonly Resource[], name: string): readonly string[] =>
  ofType(resources, 'AWS::Lambda::Function')
    .filter((lambda) => nameOf(lambda) === name)
    .flatMap((lambda) => statementsFor(resources, lambda).flatMap(actionsOf));

/** What the function of this name may do on a resource, by its logical identifier. */
export const actionsOn = (resources: readonly Resource[], name: string, resourceId: string): readonly string[] =>
  ofType(resources, 'AWS::Lambda::Function')
    .filter((lambda) => nameOf(lambda) === name)
    .flatMap((lambda) => statementsFor(resources, lambda))
    .filter((statement) => JSON.stringify(at(statement, 'Resource')).includes(`"${resourceId}"`))
    .flatMap(actionsOf);
