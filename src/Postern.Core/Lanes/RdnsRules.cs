using Postern.Core.Tables;

namespace Postern.Core.Lanes;

/// <summary>How a site tells servers from end users' lines: its own tables, the big senders, then S25R's rules.</summary>
public sealed record RdnsRules
{
    /// <summary><c>postern_rdns_server_maps</c>: confirmed names of servers, whatever they look like; null: none.</summary>
    public TableList? ServerMaps { get; init; }

    /// <summary><c>postern_rdns_big_senders</c>; null: none.</summary>
    public NameSuffixes? BigSenders { get; init; }

    /// <summary><c>postern_rdns_generic_maps</c>: confirmed names of end users' lines besides S25R's rules; null: none.</summary>
    public TableList? GenericMaps { get; init; }

    /// <summary>The class of a client.</summary>
    /// <param name="name">What DNS said. A name that is not confirmed is anybody's word, so no table is asked for it.</param>
    /// <param name="warnings">Told of tables that cannot answer; the client is then undecided.</param>
    public RdnsVerdict Classify(in ReverseName name, IWarningSink warnings)
    {
        switch (name.Status)
        {
            case ReverseNameStatus.None: return new(RdnsReason.NoName);
            case ReverseNameStatus.Unconfirmed: return new(RdnsReason.NotConfirmed);
            case ReverseNameStatus.Failed: return new(RdnsReason.LookupFailed);
        }

        switch (Find(ServerMaps, name.Name, warnings))
        {
            case LookupStatus.Found: return new(RdnsReason.ServerMap);
            case LookupStatus.Error: return new(RdnsReason.TableFailed);
        }

        if (BigSenders is not null && BigSenders.Contains(name.Name))
            return new(RdnsReason.BigSender);
        switch (Find(GenericMaps, name.Name, warnings))
        {
            case LookupStatus.Found: return new(RdnsReason.GenericMap);
            case LookupStatus.Error: return new(RdnsReason.TableFailed);
        }

        return GenericNames.FirstRule(name.Name) is > 0 and var rule
            ? new(RdnsReason.Rule1 + (byte)(rule - 1))
            : new(RdnsReason.LooksLikeServer);
    }

    // The name, then ".domain" for each domain above it, as access(5) writes subdomains. The dot keeps patterns that are
    // made for whole names from matching a part of one. The value DUNNO ends the search without a result.
    private static LookupStatus Find(TableList? maps, string name, IWarningSink warnings)
    {
        if (maps is null)
            return LookupStatus.NotFound;
        for (var start = 0; start >= 0; start = name.IndexOf('.', start + 1))
        {
            var result = maps.Lookup(start == 0 ? name : name[start..], warnings);
            if (result.Status is LookupStatus.NotFound)
                continue;
            return result.Status is LookupStatus.Found && ListText.FoldCase(result.Value) == "dunno" ? LookupStatus.NotFound : result.Status;
        }

        return LookupStatus.NotFound;
    }
}
