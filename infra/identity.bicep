metadata description = 'The one identity that the app runs as, on Functions, on Container Apps and on AKS.'

param location string
param tags object
param token string

@description('OIDC issuer URL of an AKS cluster; its service account hubscore/hubscore may then act as this identity.')
param aksOidcIssuerUrl string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${token}'
  location: location
  tags: tags
}

resource aks 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30' = if (!empty(aksOidcIssuerUrl)) {
  parent: identity
  name: 'aks'
  properties: {
    issuer: aksOidcIssuerUrl
    subject: 'system:serviceaccount:hubscore:hubscore'
    audiences: ['api://AzureADTokenExchange']
  }
}

output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
