import { Settings, suffixOf } from '../infra/types.bicep'

metadata description = 'Option: the same image in Azure Container Apps instead of Functions, beside what infra/main.bicep made. One of the two at a time: both read by the same consumer group. docs/deploy.md has the command.'

@description('Region; that of the resource group where nothing else is said.')
param location string = resourceGroup().location

@description('Image that deploy/Dockerfile makes, with its registry: example.azurecr.io/hubscore:1.')
param image string

@description('Client id of the app\'s identity; azd calls it AZURE_IDENTITY_CLIENT_ID.')
param identityClientId string

@description('Name of the app\'s identity in this resource group.')
param identityName string

@description('Name of the Event Hubs namespace; azd calls it AZURE_EVENT_HUBS_NAMESPACE.')
param namespaceName string

@description('Name of the host storage; azd calls it AZURE_HOST_STORAGE_NAME.')
param hostStorageName string

@description('Blob endpoint of the model storage; azd calls it ModelStorage__blobServiceUri.')
param modelBlobEndpoint string

@description('Name of the Log Analytics workspace.')
param workspaceName string

@description('Name of Application Insights.')
param applicationInsightsName string

@description('Model for requests that name none; azd calls it DEFAULT_MODEL. Empty: the only model there is.')
param defaultModel string = ''

@description('Further settings of the app by name, as APP_SETTINGS has them; they stand in place of ours.')
param appSettings Settings = {}

@description('The shared result cache; azd calls it REDIS_URL. Empty: none.')
param redisUrl string = ''

@description('The schema registry; azd calls it SCHEMA_REGISTRY. Empty: none.')
param schemaRegistry string = ''

@description('Subnet of a private deployment that replicas run in; azd calls it AZURE_CONTAINER_APPS_SUBNET_ID. Empty: no network, which cannot reach a private deployment.')
param subnetId string = ''

@description('Replicas that always run. 0 scales to zero.')
@minValue(0)
param minReplicas int = 1

@description('The most replicas; more than the requests hub has partitions idle.')
@minValue(1)
param maxReplicas int = 20

@description('Suffix of storage\'s host names.')
var suffix = environment().suffixes.storage
@description('Makes names unique.')
var token = uniqueString(resourceGroup().id)
@description('A name that comes twice is refused.')
var further = map(items(appSettings), setting => toLower(setting.key))

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource managedEnvironment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: 'cae-${token}'
  location: location
  properties: {
    // By a diagnostic setting, which needs no workspace key.
    appLogsConfiguration: { destination: 'azure-monitor' }
    vnetConfiguration: empty(subnetId) ? null : { infrastructureSubnetId: subnetId, internal: true }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
  }
}

#disable-next-line use-recent-api-versions // the only version that is no preview is of 2016 and knows no category groups
resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: managedEnvironment
  properties: {
    workspaceId: workspace.id
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: 'ca-${token}'
  location: location
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    environmentId: managedEnvironment.id
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: { external: false, targetPort: 8080, transport: 'auto' }
      registries: [{ server: split(image, '/')[0], identity: identity.id }]
    }
    template: {
      // The host ends within 7 s of SIGTERM.
      terminationGracePeriodSeconds: 30
      containers: [
        {
          name: 'hubscore'
          image: image
          resources: { cpu: 1, memory: '2Gi' }
          env: concat(
            filter(concat([
            { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
            { name: 'AzureWebJobsStorage__clientId', value: identityClientId }
            { name: 'AzureWebJobsStorage__blobServiceUri', value: 'https://${hostStorageName}.blob.${suffix}' }
            { name: 'AzureWebJobsStorage__queueServiceUri', value: 'https://${hostStorageName}.queue.${suffix}' }
            { name: 'AzureWebJobsStorage__tableServiceUri', value: 'https://${hostStorageName}.table.${suffix}' }
            // Timers run once for all replicas, and keys are the same in each.
            { name: 'AzureFunctionsWebHost__hostid', value: 'hubscore' }
            { name: 'AzureFunctionsJobHost__extensions__eventHubs__loadBalancingUpdateInterval', value: '00:00:10' }
            { name: 'AzureFunctionsJobHost__extensions__eventHubs__partitionOwnershipExpirationInterval', value: '00:00:40' }
            { name: 'EventHubs__credential', value: 'managedidentity' }
            { name: 'EventHubs__clientId', value: identityClientId }
            { name: 'EventHubs__fullyQualifiedNamespace', value: '${namespaceName}.${suffixOf(environment().name, 'serviceBus')}' }
            { name: 'REQUESTS_HUB', value: 'inference-requests' }
            { name: 'RESULTS_HUB', value: 'inference-requests-results' }
            { name: 'DEAD_LETTER_HUB', value: 'inference-dead-letter' }
            { name: 'LABELS_HUB', value: 'inference-labels' }
            { name: 'CONSUMER_GROUP', value: 'inference-consumer' }
            { name: 'ModelStorage__credential', value: 'managedidentity' }
            { name: 'ModelStorage__clientId', value: identityClientId }
            { name: 'ModelStorage__blobServiceUri', value: modelBlobEndpoint }
            { name: 'MODELS_CONTAINER', value: 'models' }
            { name: 'MONITOR_CONTAINER', value: 'monitor' }
            { name: 'BATCH_CONTAINER', value: 'batch' }
            { name: 'AUDIT_CONTAINER', value: 'audit' }
            { name: 'DEFAULT_MODEL', value: defaultModel }
            { name: 'SCHEMA_REGISTRY', value: schemaRegistry }
            // The ingress answers inside the environment only.
            { name: 'HTTP_AUTH_LEVEL', value: 'anonymous' }
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
          probes: [
            {
              type: 'Startup'
              httpGet: { path: '/v2/health/live', port: 8080 }
              periodSeconds: 5
              failureThreshold: 60
            }
            {
              type: 'Readiness'
              httpGet: { path: '/v2/health/ready', port: 8080 }
              periodSeconds: 10
              timeoutSeconds: 5
            }
            {
              type: 'Liveness'
              httpGet: { path: '/v2/health/live', port: 8080 }
              periodSeconds: 20
              timeoutSeconds: 5
              failureThreshold: 3
            }
          ]
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        pollingInterval: 15
        cooldownPeriod: 300
        rules: [
          {
            name: 'lag'
            custom: {
              type: 'azure-eventhub'
              identity: identity.id
              metadata: {
                eventHubNamespace: namespaceName
                eventHubName: 'inference-requests'
                consumerGroup: 'inference-consumer'
                storageAccountName: hostStorageName
                blobContainer: 'azure-webjobs-eventhub'
                checkpointStrategy: 'blobMetadata'
                unprocessedEventThreshold: '2000'
              }
            }
          }
          {
            // Chunks of batch jobs, those that are worked on included: a replica more for every ten.
            name: 'chunks'
            custom: {
              type: 'azure-queue'
              identity: identity.id
              metadata: {
                accountName: hostStorageName
                queueName: 'batch-chunks'
                queueLengthStrategy: 'all'
                queueLength: '10'
              }
            }
          }
        ]
      }
    }
  }
}

@description('Name.')
output name string = app.name
