using Postern.Core.Config;

namespace Postern.Core.Checks;

/// <summary>
/// What a configuration gives rise to once clients come, found without clients: lists and tables are read rule by rule,
/// addresses that they name are asked for, and made-up clients speak with real sessions.
/// </summary>
public static class ClientCheck
{
    /// <summary>Looks for it. Tables on servers are asked.</summary>
    /// <param name="known">What is known besides.</param>
    /// <returns>The configuration's own problems first, then what is known besides, then what is new: each once.</returns>
    public static IReadOnlyList<ConfigProblem> Find(Configuration configuration, params IEnumerable<ConfigProblem> known)
    {
        var findings = new FindingList(configuration.Problems.Concat(known));
        foreach (var service in configuration.ReadableServices)
        {
            if (service.Settings is { TlsLevel: not TlsLevel.None, Tls: null } settings)
                findings.AddConsequence(static problem => problem.SaidBy == "tlsproxy", NoTls(settings));
            new ListCheck(service, configuration.Tables, findings).Run();
            new AddressTrial(service, configuration.Tables, findings).Run();
            new DialogueTrial(service, findings).Run();
        }

        return findings.All;
    }

    /// <summary>What the log says to a client's STARTTLS when TLS cannot be spoken.</summary>
    public static string NoTls(Settings settings) => $"problem receiving status from private/{settings.TlsproxyServiceName} service";
}
