using Postern.Core;
using Postern.Core.Checks;
using Postern.Core.Config;
using Postern.Storage;
using Postern.Tls;

namespace Postern.Checks;

/// <summary>Whether the certificates for STARTTLS can be used.</summary>
internal static class CertificateCheck
{
    /// <param name="files">Where they are read.</param>
    public static IEnumerable<ConfigProblem> Find(Configuration configuration, ITextFiles? files = null)
    {
        var pems = new PemFiles(files ?? new TextFiles());
        foreach (var settings in configuration.Services.Select(static service => service.Settings).Where(static settings => settings.Tls is not null))
        {
            foreach (var (origin, parameter, problem) in TlsCredentials.Check(settings.Tls!, pems, TimeProvider.System.GetUtcNow()))
            {
                yield return HostCheck.Problem(
                    ProblemSeverity.Degraded, origin, problem, $"mend the file, or name another in {parameter}; until then STARTTLS is answered with 454") with
                {
                    AtClients = [ClientCheck.NoTls(settings)],
                };
            }
        }
    }
}
