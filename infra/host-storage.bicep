metadata description = 'What the Functions host keeps for itself: the package, checkpoints and partition ownership, timers. No shared keys.'

param location string
param tags object
param token string
param publicAccess bool

var packages = 'packages'

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: 'sthost${token}'
  location: location
  tags: tags
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: { defaultAction: publicAccess ? 'Allow' : 'Deny', bypass: 'AzureServices' }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: storage
  name: 'default'
}

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: packages
}

output id string = storage.id
output name string = storage.name
output packageContainer string = packages
