import { Tags } from 'types.bicep'

metadata description = 'The Azure workbook: what infra/dashboards/workbook.json draws, in Application Insights under Workbooks.'

@description('Region.')
param location string
@description('Tags of every resource.')
param tags Tags
@description('Resource id of Application Insights.')
param applicationInsightsId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'hubscore')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'hubscore'
    category: 'workbook'
    version: '1.0'
    sourceId: applicationInsightsId
    serializedData: replace(loadTextContent('dashboards/workbook.json'), '__APPLICATION_INSIGHTS_ID__', applicationInsightsId)
  }
}
