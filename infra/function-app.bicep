import { Tags, Hubs, Settings } from 'types.bicep'

metadata description = 'The Functions app on Flex Consumption, and its settings. Everything is reached by the identity; no setting holds a key.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Makes names unique.')
param token string

@description('Resource id of the app\'s identity.')
param identityId string
@description('Client id of the app\'s identity.')
param identityClientId string
@description('Name of the host\'s storage.')
param hostStorageName string
@description('Container that the package is deployed to.')
param packageContainer string
@description('Host name of the Event Hubs namespace.')
param eventHubsHost string
@description('Blob endpoint of the model storage.')
param modelBlobEndpoint string
@description('Container with the models.')
param modelsContainer string
@description('Container with what the app keeps for itself.')
param monitorContainer string
@description('Container with batch jobs.')
param batchContainer string
@description('Container with the audit trail.')
param auditContainer string

@description('Names of the hubs by purpose: requests, results, deadLetters, labels.')
param hubs Hubs
@description('Group that the app reads requests by.')
param consumerGroup string
@description('Model for requests that name none; empty: the only model there is.')
param defaultModel string
@description('Name of Application Insights.')
param applicationInsightsName string

@description('Further settings by name; they stand in place of ours.')
param appSettings Settings

@description('The shared result cache; empty: none.')
param redisUrl string

@description('The schema registry; empty: none.')
param schemaRegistry string

@description('Memory of an instance.')
param instanceMemoryMB int
@description('The most instances of all functions together.')
param maximumInstanceCount int
@description('Instances of the scoring function that always run.')
param alwaysReadyInstances int

@description('Subnet that the app\'s traffic leaves by; empty: no network, and the app answers HTTP in public.')
param appSubnetId string

@description('Whether the app\'s traffic leaves by a network.')
var private = !empty(appSubnetId)
@description('A name that comes twice is refused.')
var further = map(items(appSettings), setting => toLower(setting.key))

resource hostStorage 'Microsoft.Storage/storageAccounts@2026-06-01' existing = {
  name: hostStorageName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource functionApp 'Microsoft.Web/sites@2025-03-01' = {
  name: 'func-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: private ? 'Disabled' : 'Enabled'
    virtualNetworkSubnetId: private ? appSubnetId : null
    functionAppConfig: {
      runtime: { name: 'node', version: '22' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage.properties.primaryEndpoints.blob}${packageContainer}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances > 0
          ? [{ name: 'function:score-requests', instanceCount: alwaysReadyInstances }]
          : []
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      appSettings: concat(
        filter(concat([
          // The host's own storage.
          { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
          { name: 'AzureWebJobsStorage__clientId', value: identityClientId }
          { name: 'AzureWebJobsStorage__blobServiceUri', value: hostStorage.properties.primaryEndpoints.blob }
          { name: 'AzureWebJobsStorage__queueServiceUri', value: hostStorage.properties.primaryEndpoints.queue }
          { name: 'AzureWebJobsStorage__tableServiceUri', value: hostStorage.properties.primaryEndpoints.table }

          // When an instance dies, another takes its partitions after 40 s; the host's own default is two minutes.
          { name: 'AzureFunctionsJobHost__extensions__eventHubs__loadBalancingUpdateInterval', value: '00:00:10' }
          { name: 'AzureFunctionsJobHost__extensions__eventHubs__partitionOwnershipExpirationInterval', value: '00:00:40' }

          // One name for the trigger, the senders and the ledger.
          { name: 'EventHubs__credential', value: 'managedidentity' }
          { name: 'EventHubs__clientId', value: identityClientId }
          { name: 'EventHubs__fullyQualifiedNamespace', value: eventHubsHost }
          { name: 'REQUESTS_HUB', value: hubs.requests }
          { name: 'RESULTS_HUB', value: hubs.results }
          { name: 'DEAD_LETTER_HUB', value: hubs.deadLetters }
          { name: 'LABELS_HUB', value: hubs.labels }
          { name: 'CONSUMER_GROUP', value: consumerGroup }

          { name: 'ModelStorage__credential', value: 'managedidentity' }
          { name: 'ModelStorage__clientId', value: identityClientId }
          { name: 'ModelStorage__blobServiceUri', value: modelBlobEndpoint }
          { name: 'MODELS_CONTAINER', value: modelsContainer }
          { name: 'MONITOR_CONTAINER', value: monitorContainer }
          { name: 'BATCH_CONTAINER', value: batchContainer }
          { name: 'AUDIT_CONTAINER', value: auditContainer }
          { name: 'DEFAULT_MODEL', value: defaultModel }
          { name: 'SCHEMA_REGISTRY', value: schemaRegistry }

          // Names where telemetry goes; it lets nobody in, since Application Insights takes Entra tokens only.
          { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: applicationInsights.properties.ConnectionString }
          { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identityClientId};Authorization=AAD' }
        ],
        empty(redisUrl)
          ? []
          : [
              { name: 'REDIS_URL', value: redisUrl }
              { name: 'REDIS_AUTH', value: 'entra' }
              { name: 'REDIS_CLIENT_ID', value: identityClientId }
            ]), setting => !contains(further, toLower(setting.name))),
        map(items(appSettings), setting => { name: setting.key, value: string(setting.value) })
      )
    }
  }
}

// azd deploys with an Entra token; basic authentication for deployment is switched off.
resource noBasicScm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: functionApp
  name: 'scm'
  properties: { allow: false }
}

resource noBasicFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: functionApp
  name: 'ftp'
  properties: { allow: false }
}

@description('Resource id.')
output id string = functionApp.id
@description('Name.')
output name string = functionApp.name
@description('Address.')
output url string = 'https://${functionApp.properties.defaultHostName}'
