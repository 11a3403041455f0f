// Generated from the CustomResourceDefinitions in this folder by `npm run generate`: edit those.

/** Our kinds, as their definitions state them. */
export const customKindEntries = {
  Organization: { file: 'organizations.yaml', plural: 'organizations', scope: 'Cluster', isTenant: false },
  AnalysisConfig: { file: 'analysisconfigs.yaml', plural: 'analysisconfigs', scope: 'Namespaced', isTenant: true },
  ApiKeyBinding: { file: 'apikeybindings.yaml', plural: 'apikeybindings', scope: 'Namespaced', isTenant: true },
  Persona: { file: 'personas.yaml', plural: 'personas', scope: 'Namespaced', isTenant: true },
} as const;

type CustomKind = keyof typeof customKindEntries;

/** Makes something for each of our kinds. */
export function forCustomKinds<T>(make: (kind: CustomKind) => T): Readonly<Record<CustomKind, T>> {
  return {
    Organization: make('Organization'),
    AnalysisConfig: make('AnalysisConfig'),
    ApiKeyBinding: make('ApiKeyBinding'),
    Persona: make('Persona'),
  };
}
