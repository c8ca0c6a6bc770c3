export { eventually } from '../../local/eventually.ts';
