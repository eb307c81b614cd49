using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Dns;
using Postern.Dnsbl;
using Postern.Storage;

namespace Postern.Checks;

/// <summary>Asks the DNS lists of a configuration once each, for <c>postern check</c> and <c>postern explain</c>.</summary>
internal static class ListsCheck
{
    /// <summary>How long <c>postern check</c> waits for the lists, when it was not asked about them.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>What <c>postern serve</c> would warn of because of what the lists answer; not of lists that do not answer now.</summary>
    /// <param name="configuration">Without errors.</param>
    public static IEnumerable<ConfigProblem> Find(Configuration configuration, IDnsResolver resolver)
    {
        var watched = configuration.Services.Where(static service => service.Settings.DnsblCheckInterval > TimeSpan.Zero);
        foreach (var (probe, service) in Ask(watched, resolver, Patience))
        {
            if (!probe.IsTrouble || probe.Finding is ListFinding.Unanswered)
                continue;
            var origin = service.OriginOf("postscreen_dnsbl_sites");
            yield return new ConfigProblem(
                ProblemSeverity.Warning, origin?.File, origin?.Line ?? 0, $"DNS list {probe.List.Domain}: {probe.Text}", probe.Remedy ?? "see postern check --lists")
            {
                PostscreenIsSilent = true,
            };
        }
    }

    /// <summary>Says of each list what it answers and why.</summary>
    /// <param name="configuration">Without errors.</param>
    /// <returns>Whether all are as they should be.</returns>
    public static bool Print(Configuration configuration, IDnsResolver resolver, TextWriter output)
    {
        var (all, isWell) = (0, true);
        foreach (var (probe, _) in Ask(configuration.Services, resolver, patience: null))
        {
            output.WriteLine($"DNS list {probe.List.Domain}: {probe.Text}");
            if (probe.Remedy is { } remedy)
                output.WriteLine($"    {remedy}");
            isWell &= !probe.IsTrouble;
            all++;
        }

        if (all == 0)
            output.WriteLine("postscreen_dnsbl_sites is empty: no DNS list is asked");
        return isWell;
    }

    /// <summary>The system's resolver.</summary>
    /// <param name="warn">Told what is wrong with resolv.conf.</param>
    public static SystemResolver ResolverOfSystem(Action<string> warn) =>
        new(new ResolverFile(new TextFiles(ResolverFile.MostBytes), ResolverConfiguration.SystemPath, warn), TimeProvider.System);

    /// <param name="patience">Null: <c>postscreen_dnsbl_timeout</c>.</param>
    private static (ListProbe Probe, ScreeningService Service)[] Ask(IEnumerable<ScreeningService> services, IDnsResolver resolver, TimeSpan? patience)
    {
        var lists = services
            .SelectMany(static service => (service.Settings.DnsblSites?.Lists ?? []).Select(list => (List: list, Service: service)))
            .DistinctBy(static one => one.List.Domain, StringComparer.Ordinal);
        return Task.WhenAll(lists.Select(async one => (await AskAsync(one.List, one.Service.Settings).ConfigureAwait(false), one.Service))).GetAwaiter().GetResult();

        Task<ListProbe> AskAsync(DnsblList list, Settings settings) =>
            ListProbe.AskAsync(resolver, list, settings.DnsblSites!.CountsErrorAnswers, patience ?? settings.DnsblTimeout);
    }
}
