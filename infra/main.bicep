targetScope = 'subscription'

import { Settings, suffixOf } from 'types.bicep'

metadata description = 'hubscore: requests come in by one Event Hub, are scored in Azure Functions with ONNX models from Blob Storage, and go out by another. No secret anywhere.'

// ── Where and whose ─────────────────────────────────────────────────────────────────────────────────────────────────

@description('Name of the azd environment; part of the resource group\'s name and of the tags.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of everything. It must offer Functions Flex Consumption.')
@minLength(1)
@metadata({ azd: { type: 'location' } })
param location string

@description('Object id of who deploys; gets the data roles to send requests, read results and upload models. Empty: nobody does.')
param principalId string = ''

@description('What that principal is. A pipeline\'s service principal fails as User, so azd says it.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param principalType string = 'User'

// ── Event Hubs ──────────────────────────────────────────────────────────────────────────────────────────────────────

@description('Partitions of the requests, results and dead-letter hubs: the most instances that score at once. Standard cannot change it later.')
@minValue(1)
@maxValue(32)
param partitionCount int = 4

@description('Hours that events stay in every hub: how long an outage may last without losing a request. 168 is the most Standard gives.')
@minValue(1)
@maxValue(168)
param retentionHours int = 168

@description('Throughput units to start with; one takes in 1 MB or 1000 events a second.')
@minValue(1)
@maxValue(40)
param throughputUnits int = 1

@description('Auto-inflate raises the throughput units up to this many (and never lowers them again).')
@minValue(1)
@maxValue(40)
param maximumThroughputUnits int = 10

@description('Capture: keeps every request as Avro files in a storage account of its own.')
param capture bool = false

@description('Days that captured files are kept.')
@minValue(1)
param captureRetentionDays int = 30

// ── Functions ───────────────────────────────────────────────────────────────────────────────────────────────────────

@description('Memory of an instance; processor share comes with it. 4096 for large models.')
@allowed([2048, 4096])
param instanceMemoryMB int = 2048

@description('The most instances all functions may have together.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances of the scoring function that are always running. 0 scales to zero: the first request after a pause waits for a cold start.')
@minValue(0)
@maxValue(32)
param alwaysReadyInstances int = 0

@description('Model for requests that name none. Empty: the only model there is.')
param defaultModel string = ''

@description('Resource id of the Event Hubs namespace with the schema registry that bodies name; the app gets the role to read it. Empty: none, or one that APP_SETTINGS name.')
param schemaRegistryId string = ''

@description('Further settings of the app, by the names in docs/settings.md; azd env set APP_SETTINGS \'{"MODEL_MEMORY_MB":"2048"}\'.')
param appSettings Settings = {}

@description('Redundancy of all storage: models, the package, checkpoints and partition ownership, captured requests. Standard_ZRS outlives a zone, where the region has zones.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_LRS'

@description('For how many days the audit trail of rollouts can only be added to, by whoever it is; 0: without such a policy.')
@minValue(0)
@maxValue(146000)
param auditDays int = 365

// ── Who is told ─────────────────────────────────────────────────────────────────────────────────────────────────────

@description('Where alerts are mailed to. Empty: they only show in the portal.')
param alertEmail string = ''

@description('The latency alert fires where the 95th percentile from enqueued until the result was in the hub is above this, in milliseconds.')
@minValue(1)
param latencyAlertMs int = 1000

@description('The lag alert fires where this many requests wait and the number grows.')
@minValue(1)
param lagAlertEvents int = 1000

@description('The dead-letter alert fires where more than this many requests a minute cannot be scored, over a quarter of an hour.')
@minValue(1)
param deadLetterAlertPerMinute int = 10

@description('Days that logs and metrics are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

// ── Options, each whole when on ─────────────────────────────────────────────────────────────────────────────────────

@description('Azure Managed Redis as the result cache that instances share.')
param redis bool = false

@description('A virtual network with private endpoints for everything, and no public access to anything. azd deploy then works from inside that network only.')
param privateNetworking bool = false

@description('Address space of that network: a /22 or larger that overlaps none it will be peered with.')
param networkAddressPrefix string = '10.40.0.0/22'

@description('Azure Managed Grafana with the dashboard.')
param grafana bool = false

@description('OIDC issuer URL of an AKS cluster whose pods may use the app\'s identity (deploy/kubernetes). Empty: none.')
param aksOidcIssuerUrl string = ''

@description('Kubernetes namespace that KEDA runs in: kube-system for the AKS add-on, usually keda for Helm.')
param kedaNamespace string = 'kube-system'

@description('Tags of every resource.')
var tags = { 'azd-env-name': environmentName }
@description('Makes names unique.')
var token = toLower(uniqueString(subscription().id, environmentName, location))
@description('Names of the hubs; lower case, as checkpoints are.')
var hubs = {
  requests: 'inference-requests'
  results: 'inference-requests-results'
  deadLetters: 'inference-dead-letter'
  labels: 'inference-labels'
}
@description('Group that the app reads requests by.')
var consumerGroup = 'inference-consumer'
@description('Container with the models.')
var modelsContainer = 'models'
@description('Container with what the app keeps for itself.')
var monitorContainer = 'monitor'
@description('Container with batch jobs.')
var batchContainer = 'batch'
@description('Container with who changed what of which deployment, and why.')
var auditContainer = 'audit'

@description('What modules find by name, worked out here: what-if then knows it before anything is there.')
var names = {
  identity: 'id-${token}'
  kedaIdentity: 'id-keda-${token}'
  namespace: 'evhns-${token}'
  hostStorage: 'sthost${token}'
  modelStorage: 'stmodel${token}'
  applicationInsights: 'appi-${token}'
  functionApp: 'func-${token}'
}

@description('Parts of that id; of none those of a group that is never asked for.')
var registryParts = split(
  empty(schemaRegistryId) ? '/subscriptions/${subscription().subscriptionId}/resourceGroups/none/' : schemaRegistryId,
  '/'
)
@description('Host name of the schema registry; empty: none.')
var schemaRegistry = empty(schemaRegistryId)
  ? ''
  : '${last(registryParts)}.${suffixOf(environment().name, 'serviceBus')}'
@description('Whether pods may come as our identities.')
var aks = !empty(aksOidcIssuerUrl)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'identity.bicep' = {
  scope: group
  params: { location: location, tags: tags, token: token, aksOidcIssuerUrl: aksOidcIssuerUrl, kedaNamespace: kedaNamespace }
}

module monitoring 'monitoring.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    retentionDays: logRetentionDays
    // Grafana asks from outside the network; without it nothing does.
    publicIngestion: !privateNetworking
    publicQuery: !privateNetworking || grafana
  }
}

module network 'network.bicep' = if (privateNetworking) {
  scope: group
  params: { location: location, tags: tags, token: token, addressPrefix: networkAddressPrefix }
}

module captureStore 'capture.bicep' = if (capture) {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    sku: storageSku
    retentionDays: captureRetentionDays
    publicAccess: !privateNetworking
  }
}

module eventHubs 'event-hubs.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    hubs: hubs
    consumerGroup: consumerGroup
    partitionCount: partitionCount
    retentionHours: retentionHours
    throughputUnits: throughputUnits
    maximumThroughputUnits: maximumThroughputUnits
    captureStorageId: capture ? captureStore!.outputs.storageId : ''
    captureContainer: capture ? captureStore!.outputs.container : ''
    captureIdentityId: capture ? captureStore!.outputs.identityId : ''
    publicAccess: !privateNetworking
  }
}

module hostStorage 'host-storage.bicep' = {
  scope: group
  params: { location: location, tags: tags, token: token, sku: storageSku, publicAccess: !privateNetworking }
}

module modelStorage 'model-storage.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    container: modelsContainer
    monitorContainer: monitorContainer
    batchContainer: batchContainer
    auditContainer: auditContainer
    auditDays: auditDays
    sku: storageSku
    publicAccess: !privateNetworking
  }
}

module cache 'redis.bicep' = if (redis) {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    appPrincipalId: identity.outputs.principalId
    publicAccess: !privateNetworking
  }
}

module roles 'roles.bicep' = {
  scope: group
  params: {
    appIdentityName: names.identity
    appPrincipalId: identity.outputs.principalId
    keda: aks
    kedaIdentityName: names.kedaIdentity
    kedaPrincipalId: identity.outputs.kedaPrincipalId
    principalId: principalId
    principalType: principalType
    namespaceName: names.namespace
    hubs: hubs
    hostStorageName: names.hostStorage
    modelStorageName: names.modelStorage
    modelsContainer: modelsContainer
    monitorContainer: monitorContainer
    batchContainer: batchContainer
    auditContainer: auditContainer
    applicationInsightsName: names.applicationInsights
  }
  dependsOn: [eventHubs, hostStorage, modelStorage, monitoring]
}

// The app comes after its roles and, where there is a network, after its private endpoints: a host that starts without them keeps failing for minutes.
module endpoints 'private-endpoints.bicep' = if (privateNetworking) {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    networkId: network!.outputs.networkId
    subnetId: network!.outputs.endpointSubnetId
    namespaceId: eventHubs.outputs.namespaceId
    hostStorageId: hostStorage.outputs.id
    modelStorageId: modelStorage.outputs.id
    capture: capture
    captureStorageId: capture ? captureStore!.outputs.storageId : ''
    redis: redis
    redisId: redis ? cache!.outputs.id : ''
    workspaceId: monitoring.outputs.workspaceId
    applicationInsightsId: monitoring.outputs.applicationInsightsId
  }
}

module registryRole 'schema-registry.bicep' = if (!empty(schemaRegistryId)) {
  scope: resourceGroup(registryParts[2], registryParts[4])
  params: {
    namespaceName: last(registryParts)
    identityId: resourceId(
      subscription().subscriptionId,
      group.name,
      'Microsoft.ManagedIdentity/userAssignedIdentities',
      names.identity
    )
    principalId: identity.outputs.principalId
  }
}

module functionApp 'function-app.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    hostStorageName: names.hostStorage
    packageContainer: hostStorage.outputs.packageContainer
    eventHubsHost: eventHubs.outputs.host
    modelBlobEndpoint: modelStorage.outputs.blobEndpoint
    modelsContainer: modelsContainer
    monitorContainer: monitorContainer
    batchContainer: batchContainer
    auditContainer: auditContainer
    hubs: hubs
    consumerGroup: consumerGroup
    defaultModel: defaultModel
    applicationInsightsName: names.applicationInsights
    appSettings: appSettings
    redisUrl: redis ? cache!.outputs.url : ''
    schemaRegistry: schemaRegistry
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    appSubnetId: privateNetworking ? network!.outputs.appSubnetId : ''
  }
  dependsOn: [roles, endpoints]
}

module appEndpoint 'private-endpoint.bicep' = if (privateNetworking) {
  scope: group
  params: {
    location: location
    tags: tags
    name: 'pe-app-${token}'
    networkId: network!.outputs.networkId
    subnetId: network!.outputs.endpointSubnetId
    targetId: functionApp.outputs.id
    groupId: 'sites'
    zones: ['privatelink.${suffixOf(environment().name, 'sites')}']
  }
}

module diagnostics 'diagnostics.bicep' = {
  scope: group
  params: {
    workspaceId: monitoring.outputs.workspaceId
    namespaceName: names.namespace
    modelStorageName: names.modelStorage
    functionAppName: names.functionApp
  }
  dependsOn: [eventHubs, modelStorage, functionApp]
}

module alerts 'alerts.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    email: alertEmail
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    workspaceId: monitoring.outputs.workspaceId
    latencyMs: latencyAlertMs
    lagEvents: lagAlertEvents
    deadLettersPerMinute: deadLetterAlertPerMinute
  }
}

module workbook 'workbook.bicep' = {
  scope: group
  params: { location: location, tags: tags, applicationInsightsId: monitoring.outputs.applicationInsightsId }
}

module dashboards 'grafana.bicep' = if (grafana) {
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    principalId: principalId
    principalType: principalType
    publicAccess: !privateNetworking
    applicationInsightsName: names.applicationInsights
  }
  dependsOn: [monitoring]
}

module grafanaEndpoint 'private-endpoint.bicep' = if (grafana && privateNetworking) {
  scope: group
  params: {
    location: location
    tags: tags
    name: 'pe-grafana-${token}'
    networkId: network!.outputs.networkId
    subnetId: network!.outputs.endpointSubnetId
    targetId: dashboards!.outputs.id
    groupId: 'grafana'
    zones: ['privatelink.grafana.azure.com']
  }
}

// azd keeps these in .azure/<environment>/.env; the hooks and `azd env get-values` read them from there.
@description('Region.')
output AZURE_LOCATION string = location
@description('Tenant.')
output AZURE_TENANT_ID string = tenant().tenantId
@description('Name of the resource group.')
output AZURE_RESOURCE_GROUP string = group.name
@description('Name of the app.')
output AZURE_FUNCTION_APP_NAME string = functionApp.outputs.name
@description('Address of the app.')
output AZURE_FUNCTION_APP_URL string = functionApp.outputs.url
@description('Client id of the app\'s identity.')
output AZURE_IDENTITY_CLIENT_ID string = identity.outputs.clientId
@description('Name of the app\'s identity.')
output AZURE_IDENTITY_NAME string = identity.outputs.name
@description('Client id of KEDA\'s identity; empty without AKS.')
output AZURE_KEDA_CLIENT_ID string = identity.outputs.kedaClientId

@description('Suffix of storage\'s host names in this cloud.')
output AZURE_STORAGE_SUFFIX string = environment().suffixes.storage

@description('Name of the namespace.')
output AZURE_EVENT_HUBS_NAMESPACE string = eventHubs.outputs.namespaceName
@description('Name of the host\'s storage.')
output AZURE_HOST_STORAGE_NAME string = hostStorage.outputs.name
@description('Name of the workspace.')
output AZURE_LOG_ANALYTICS_NAME string = monitoring.outputs.workspaceName
@description('Host name of the namespace.')
output EventHubs__fullyQualifiedNamespace string = eventHubs.outputs.host
@description('Blob endpoint of the model storage.')
output ModelStorage__blobServiceUri string = modelStorage.outputs.blobEndpoint
@description('Container with the models.')
output MODELS_CONTAINER string = modelsContainer
@description('Container with what the app keeps for itself.')
output MONITOR_CONTAINER string = monitorContainer
@description('Container with batch jobs.')
output BATCH_CONTAINER string = batchContainer
@description('Container with the audit trail.')
output AUDIT_CONTAINER string = auditContainer
@description('For pods.')
output DEFAULT_MODEL string = defaultModel
@description('For pods: the shared result cache; empty: none.')
output REDIS_URL string = redis ? cache!.outputs.url : ''
@description('For pods: the schema registry; empty: none.')
output SCHEMA_REGISTRY string = schemaRegistry
@description('For pods: where telemetry goes.')
output APPLICATIONINSIGHTS_CONNECTION_STRING string = monitoring.outputs.applicationInsightsConnectionString
@description('For container-app.bicep; empty without private networking.')
output AZURE_CONTAINER_APPS_SUBNET_ID string = privateNetworking ? network!.outputs.containerSubnetId : ''
@description('For the dashboard.')
output AZURE_APPLICATION_INSIGHTS_ID string = monitoring.outputs.applicationInsightsId
@description('Address of Grafana; empty: none.')
output AZURE_GRAFANA_ENDPOINT string = grafana ? dashboards!.outputs.endpoint : ''
