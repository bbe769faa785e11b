"""Reaching the namespace and the models with a Unity Catalog service credential, with a service principal whose secret is in a secret
scope, or with connection strings in a secret scope (a namespace or an emulator that takes keys; a deployment of `azd up` takes none)."""

from dataclasses import dataclass

from azure.eventhub import EventHubConsumerClient, EventHubProducerClient
from azure.storage.blob import ContainerClient


@dataclass(frozen=True)
class Connection:
    """How to reach one installation; make it with `connect`."""

    namespace: str
    """`<name>.servicebus.windows.net`"""
    models_url: str
    """`https://<account>.blob.core.windows.net/models`"""
    credential: object | None = None
    """For the Azure SDKs."""
    kafka: dict | None = None
    """Options for `format("kafka")`, without the hub."""
    event_hubs_key: str | None = None
    storage_key: str | None = None
    """Connection strings, instead of a credential."""

    def producer(self, hub: str) -> EventHubProducerClient:
        """Use it in a `with`, so that it is closed."""
        if self.event_hubs_key:
            return EventHubProducerClient.from_connection_string(self.event_hubs_key, eventhub_name=hub)
        return EventHubProducerClient(self.namespace, hub, self.credential)

    def consumer(self, hub: str, group: str = "monitor") -> EventHubConsumerClient:
        """Reads by a consumer group of the hub."""
        if self.event_hubs_key:
            return EventHubConsumerClient.from_connection_string(self.event_hubs_key, group, eventhub_name=hub)
        return EventHubConsumerClient(self.namespace, hub, group, self.credential)

    def models(self) -> ContainerClient:
        """The container with the models."""
        if self.storage_key:
            return ContainerClient.from_connection_string(self.storage_key, self.models_url.rsplit("/", 1)[-1])
        return ContainerClient.from_container_url(self.models_url, self.credential)


@dataclass(frozen=True)
class _Kafka:
    address: str
    protocol: str
    classes: str

    def options(self) -> dict:
        return {"kafka.bootstrap.servers": self.address}

    def signed_in(self, mechanism: str, login: str) -> dict:
        return self.options() | {
            "kafka.security.protocol": self.protocol,
            "kafka.sasl.mechanism": mechanism,
            "kafka.sasl.jaas.config": f"{self.security(login)};",
        }

    def security(self, name: str) -> str:
        return f"{self.classes}org.apache.kafka.common.security.{name}"


def connect(
    dbutils,
    namespace: str,
    models_url: str,
    service_credential: str = "",
    secret_scope: str = "",
    kafka_address: str = "",
    kafka_protocol: str = "SASL_SSL",
    kafka_classes: str = "kafkashaded.",
) -> Connection:
    """By the service credential where one is named, else by what the secret scope holds: `tenant-id`, `client-id`, `client-secret`; or
    `event-hubs-connection-string`, `storage-connection-string`.

    `kafka_address` is port 9093 of the namespace where it is empty. `kafka_classes`: what stands before the names of the Kafka client's
    classes; Databricks carries them under `kafkashaded.`, elsewhere it is empty."""
    kafka = _Kafka(kafka_address or f"{namespace}:9093", kafka_protocol, kafka_classes)
    if service_credential:
        return Connection(
            namespace,
            models_url,
            credential=dbutils.credentials.getServiceCredentialsProvider(service_credential),
            kafka=kafka.options() | {
                "databricks.serviceCredential": service_credential,
                "databricks.serviceCredential.scope": f"https://{namespace}/.default",
            },
        )
    held = {secret.key for secret in dbutils.secrets.list(secret_scope)}
    secret = lambda key: dbutils.secrets.get(secret_scope, key)  # noqa: E731
    if "event-hubs-connection-string" in held:
        key = secret("event-hubs-connection-string")
        return Connection(
            namespace,
            models_url,
            kafka=kafka.signed_in("PLAIN", f'plain.PlainLoginModule required username="$ConnectionString" password="{key}"'),
            event_hubs_key=key,
            storage_key=secret("storage-connection-string"),
        )
    return _service_principal(namespace, models_url, kafka, secret("tenant-id"), secret("client-id"), secret("client-secret"))


def _service_principal(namespace, models_url, kafka: _Kafka, tenant, client, client_secret) -> Connection:
    from azure.identity import ClientSecretCredential

    login = (
        f'oauthbearer.OAuthBearerLoginModule required clientId="{client}" clientSecret="{client_secret}" '
        f'scope="https://{namespace}/.default" ssl.protocol="SSL"'
    )
    return Connection(
        namespace,
        models_url,
        credential=ClientSecretCredential(tenant, client, client_secret),
        kafka=kafka.signed_in("OAUTHBEARER", login) | {
            "kafka.sasl.oauthbearer.token.endpoint.url": f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
            "kafka.sasl.login.callback.handler.class": kafka.security("oauthbearer.OAuthBearerLoginCallbackHandler"),
        },
    )
