metadata description = 'Option: Azure Managed Grafana. The hook after provisioning puts infra/dashboards/grafana-azure.json into it.'

param location string
param tags object
param token string
param principalId string
param principalType string
param publicAccess bool
param applicationInsightsName string

var definitions = 'Microsoft.Authorization/roleDefinitions'
var monitoringReader = subscriptionResourceId(definitions, '43d0d8ad-25c7-4714-9337-8ba259a9fe05')
var grafanaAdmin = subscriptionResourceId(definitions, '22926164-76b3-42b3-bc55-97df8dab3e41')

resource grafana 'Microsoft.Dashboard/grafana@2024-10-01' = {
  name: 'amg-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard' }
  identity: { type: 'SystemAssigned' }
  properties: {
    apiKey: 'Disabled'
    zoneRedundancy: 'Disabled'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
  }
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource grafanaReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(applicationInsights.id, grafana.id, monitoringReader)
  scope: applicationInsights
  properties: {
    roleDefinitionId: monitoringReader
    principalId: grafana.identity.principalId
    principalType: 'ServicePrincipal'
    description: 'Grafana\'s Azure Monitor data source reads the app\'s metrics.'
  }
}

resource personRunsGrafana 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(grafana.id, principalId, grafanaAdmin)
  scope: grafana
  properties: {
    roleDefinitionId: grafanaAdmin
    principalId: principalId
    principalType: principalType
    description: 'The hook after provisioning uploads the dashboard.'
  }
}

output id string = grafana.id
output endpoint string = grafana.properties.endpoint
