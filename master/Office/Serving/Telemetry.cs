using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace GlobalCache.Office.Serving;

/// <summary>
/// Sends figures and traces to a collector, for who asks for it by OpenTelemetry's own variables: <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and its kin. Without one of them
/// nothing is measured for it and nothing leaves. Only sources of ours are listened to: what .NET itself tells of a request holds its URL, and so an asset's name
/// (SECURITY §7).
/// </summary>
internal static class Telemetry
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT", Metrics = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", Traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Disabled = "OTEL_SDK_DISABLED";

    /// <summary>What was asked for, to be disposed of at the end so that the last figures go too; null: nothing.</summary>
    /// <param name="service">What it is called there unless <c>OTEL_SERVICE_NAME</c> says otherwise.</param>
    /// <param name="source">The name of its meter and of its traces.</param>
    /// <param name="version">The program's.</param>
    public static IDisposable? Of(string service, string source, string version)
    {
        if (Variable(Disabled).Equals("true", StringComparison.OrdinalIgnoreCase)) return null;
        bool both = Variable(Endpoint).Length > 0;
        ResourceBuilder resource = ResourceBuilder.CreateEmpty().AddService(service, serviceVersion: version).AddTelemetrySdk().AddEnvironmentVariableDetector();
        List<IDisposable> sending = [];
        if (both || Variable(Metrics).Length > 0) sending.Add(Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(source).AddOtlpExporter().Build());
        if (both || Variable(Traces).Length > 0) sending.Add(Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(source).AddOtlpExporter().Build());
        return sending.Count > 0 ? new Sending(sending) : null;
    }

    private static string Variable(string name) => Environment.GetEnvironmentVariable(name) ?? "";

    private sealed class Sending(List<IDisposable> parts) : IDisposable
    {
        public void Dispose()
        {
            foreach (IDisposable part in parts) part.Dispose();
        }
    }
}
