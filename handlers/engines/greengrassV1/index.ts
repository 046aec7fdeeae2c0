export * from './engine';
export * from './settings';
export * from './systemFunctions';
