import type { TokenCredential } from '@azure/identity';

/** Azure Managed Grafana, as Entra knows it. */
const GRAFANA_SCOPE = 'ce34e7e5-485f-4d76-964f-b3d2b16d1e4f/.default';

/** Puts a dashboard into Managed Grafana, over the one of the same uid. @throws Error with Grafana's answer. */
export async function uploadDashboard(
  endpoint: string,
  dashboard: unknown,
  credential: TokenCredential,
): Promise<void> {
  const token = await credential.getToken(GRAFANA_SCOPE);
  const response = await fetch(new URL('/api/dashboards/db', endpoint), {
    method: 'POST',
    headers: { authorization: `Bearer ${token?.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ dashboard, overwrite: true, message: 'azd provision' }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`Grafana answered ${response.status}: ${await response.text()}`);
}
