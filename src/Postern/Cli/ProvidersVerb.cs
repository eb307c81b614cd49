using Postern.Control;
using Postern.Core.Config;
using Postern.Dns;
using Postern.Providers;
using Postern.Storage;
using Postern.Tables;

namespace Postern.Cli;

/// <summary><c>postern providers</c>: what the running daemon knows of the SPF policies of its providers; without one, what DNS says now.</summary>
internal static class ProvidersVerb
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <param name="directory">Such as <c>/etc/postfix</c>.</param>
    /// <param name="output">Takes a line for each provider.</param>
    /// <param name="errors">Takes problems.</param>
    /// <returns>The exit status: 1 when a provider's policy cannot be used.</returns>
    public static int Run(string directory, TextWriter output, TextWriter errors)
    {
        var configuration = Configuration.Load(directory, new TextFiles(), HostFactsReader.Read(), HostTableTypes.For);
        if (configuration.HasErrors)
        {
            CheckVerb.PrintProblems(configuration.Problems, errors);
            return 1;
        }

        if (configuration.Process!.ControlSocket is { } socket && ControlClient.IsServed(socket))
        {
            var problem = new ControlClient(socket).Ask(["providers"], [], output.WriteLine);
            if (problem is not null)
                errors.WriteLine($"postern providers: {problem}");
            return problem is null ? 0 : 1;
        }

        var domains = configuration.Services.SelectMany(static service => service.Settings.Providers).Select(static provider => provider.Domain).Distinct().ToList();
        if (domains.Count == 0)
            output.WriteLine("postern_provider_passes is empty");
        var resolver = new SystemResolver(new ResolverFile(new TextFiles(ResolverFile.MostBytes), ResolverConfiguration.SystemPath), TimeProvider.System);
        var states = Task.WhenAll(domains.Select(domain => ReadAsync(domain, resolver))).GetAwaiter().GetResult();
        foreach (var state in states)
            output.WriteLine(state.Describe());
        return states.Any(static state => state.Problem is not null) ? 1 : 0;
    }

    private static async Task<ProviderState> ReadAsync(string domain, IDnsResolver resolver)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var (policy, problem, _) = await ProviderDirectory.ReadAsync(domain, resolver, patience.Token).ConfigureAwait(false);
            return new ProviderState(domain, policy?.Ranges ?? 0, policy?.DependsOnClient ?? false, policy is null ? null : DateTimeOffset.UtcNow, problem);
        }
        catch (OperationCanceledException)
        {
            return new ProviderState(domain, 0, false, null, "DNS does not answer in time");
        }
    }
}
