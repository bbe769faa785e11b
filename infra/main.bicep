targetScope = 'subscription'

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

@description('Further settings of the app, by the names in docs/settings.md; azd env set APP_SETTINGS \'{"MODEL_MEMORY_MB":"2048"}\'.')
param appSettings object = {}

@description('Redundancy of the model storage. Standard_ZRS outlives a zone, where the region has zones.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param modelStorageSku string = 'Standard_LRS'

// ── Who is told ─────────────────────────────────────────────────────────────────────────────────────────────────────

@description('Where alerts are mailed to. Empty: they only show in the portal.')
param alertEmail string = ''

@description('The latency alert fires where the 95th percentile from enqueued to scored is above this, in milliseconds.')
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

var tags = { 'azd-env-name': environmentName }
var token = toLower(uniqueString(subscription().id, environmentName, location))
var hubs = {
  requests: 'inference-requests'
  results: 'inference-requests-results'
  deadLetters: 'inference-dead-letter'
  labels: 'inference-labels'
}
var consumerGroup = 'inference-consumer'
var modelsContainer = 'models'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'identity.bicep' = {
  name: 'identity'
  scope: group
  params: { location: location, tags: tags, token: token, aksOidcIssuerUrl: aksOidcIssuerUrl, kedaNamespace: kedaNamespace }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
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
  name: 'network'
  scope: group
  params: { location: location, tags: tags, token: token, addressPrefix: networkAddressPrefix }
}

module captureStore 'capture.bicep' = if (capture) {
  name: 'capture'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    retentionDays: captureRetentionDays
    publicAccess: !privateNetworking
  }
}

module eventHubs 'event-hubs.bicep' = {
  name: 'event-hubs'
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
  name: 'host-storage'
  scope: group
  params: { location: location, tags: tags, token: token, publicAccess: !privateNetworking }
}

module modelStorage 'model-storage.bicep' = {
  name: 'model-storage'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    container: modelsContainer
    sku: modelStorageSku
    publicAccess: !privateNetworking
  }
}

module cache 'redis.bicep' = if (redis) {
  name: 'redis'
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
  name: 'roles'
  scope: group
  params: {
    appPrincipalId: identity.outputs.principalId
    principalId: principalId
    principalType: principalType
    namespaceName: eventHubs.outputs.namespaceName
    hubs: hubs
    hostStorageName: hostStorage.outputs.name
    modelStorageName: modelStorage.outputs.name
    modelsContainer: modelsContainer
    applicationInsightsName: monitoring.outputs.applicationInsightsName
  }
}

// The app comes after its roles and, where there is a network, after its private endpoints: a host that starts without them keeps failing for minutes.
module endpoints 'private-endpoints.bicep' = if (privateNetworking) {
  name: 'private-endpoints'
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
    captureStorageId: capture ? captureStore!.outputs.storageId : ''
    redisId: redis ? cache!.outputs.id : ''
    workspaceId: monitoring.outputs.workspaceId
    applicationInsightsId: monitoring.outputs.applicationInsightsId
  }
}

module functionApp 'function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    hostStorageName: hostStorage.outputs.name
    packageContainer: hostStorage.outputs.packageContainer
    eventHubsHost: eventHubs.outputs.host
    modelBlobEndpoint: modelStorage.outputs.blobEndpoint
    modelsContainer: modelsContainer
    hubs: hubs
    consumerGroup: consumerGroup
    defaultModel: defaultModel
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    appSettings: appSettings
    redisUrl: redis ? cache!.outputs.url : ''
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    appSubnetId: privateNetworking ? network!.outputs.appSubnetId : ''
  }
  dependsOn: [roles, endpoints]
}

module appEndpoint 'private-endpoint.bicep' = if (privateNetworking) {
  name: 'private-endpoint-app'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'pe-app-${token}'
    networkId: network!.outputs.networkId
    subnetId: network!.outputs.endpointSubnetId
    targetId: functionApp.outputs.id
    groupId: 'sites'
    zones: ['privatelink.azurewebsites.net']
  }
}

module diagnostics 'diagnostics.bicep' = {
  name: 'diagnostics'
  scope: group
  params: {
    workspaceId: monitoring.outputs.workspaceId
    namespaceName: eventHubs.outputs.namespaceName
    modelStorageName: modelStorage.outputs.name
    functionAppName: functionApp.outputs.name
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    email: alertEmail
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    namespaceId: eventHubs.outputs.namespaceId
    requestsHub: hubs.requests
    resultsHub: hubs.results
    latencyMs: latencyAlertMs
    lagEvents: lagAlertEvents
    deadLettersPerMinute: deadLetterAlertPerMinute
  }
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: { location: location, tags: tags, applicationInsightsId: monitoring.outputs.applicationInsightsId }
}

module dashboards 'grafana.bicep' = if (grafana) {
  name: 'grafana'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    principalId: principalId
    principalType: principalType
    publicAccess: !privateNetworking
    applicationInsightsName: monitoring.outputs.applicationInsightsName
  }
}

module grafanaEndpoint 'private-endpoint.bicep' = if (grafana && privateNetworking) {
  name: 'private-endpoint-grafana'
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
output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP_NAME string = functionApp.outputs.name
output AZURE_FUNCTION_APP_URL string = functionApp.outputs.url
output AZURE_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output AZURE_IDENTITY_NAME string = identity.outputs.name
output AZURE_EVENT_HUBS_NAMESPACE string = eventHubs.outputs.namespaceName
output AZURE_HOST_STORAGE_NAME string = hostStorage.outputs.name
output AZURE_LOG_ANALYTICS_NAME string = monitoring.outputs.workspaceName
output EventHubs__fullyQualifiedNamespace string = eventHubs.outputs.host
output ModelStorage__blobServiceUri string = modelStorage.outputs.blobEndpoint
output MODELS_CONTAINER string = modelsContainer
output DEFAULT_MODEL string = defaultModel
output REDIS_URL string = redis ? cache!.outputs.url : ''
output APPLICATIONINSIGHTS_CONNECTION_STRING string = monitoring.outputs.applicationInsightsConnectionString
output AZURE_CONTAINER_APPS_SUBNET_ID string = privateNetworking ? network!.outputs.containerSubnetId : ''
output AZURE_APPLICATION_INSIGHTS_ID string = monitoring.outputs.applicationInsightsId
output AZURE_GRAFANA_ENDPOINT string = grafana ? dashboards!.outputs.endpoint : ''
