metadata description = 'Lets the app read the schemas of a registry, which lies in an Event Hubs namespace: that of the app, or another.'

@description('Name of the namespace.')
param namespaceName string

@description('Resource id of the app\'s identity.')
param identityId string
@description('Object id of the app\'s identity.')
param principalId string

@description('Schema Registry Reader.')
var schemaReader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2c56ea50-c6b3-40a6-83c0-9d98858bc7d2')

resource registry 'Microsoft.EventHub/namespaces@2026-01-01' existing = {
  name: namespaceName
}

resource appReadsSchemas 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, identityId, schemaReader)
  scope: registry
  properties: {
    roleDefinitionId: schemaReader
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Avro and JSON bodies name their schema by its id; schemas are in no group that is known beforehand.'
  }
}
