namespace Postern.Core.Lanes;

/// <summary>The class of a client by its reverse name.</summary>
/// <param name="Reason">Why; the class follows from that. One byte, to be kept for every parked client.</param>
public readonly record struct RdnsVerdict(RdnsReason Reason)
{
    /// <summary>The class.</summary>
    public RdnsKind Kind => Reason switch
    {
        RdnsReason.Late or RdnsReason.LookupFailed or RdnsReason.TableFailed => RdnsKind.Undecided,
        RdnsReason.LooksLikeServer or RdnsReason.ServerMap or RdnsReason.BigSender => RdnsKind.Named,
        RdnsReason.NotConfirmed => RdnsKind.Unconfirmed,
        RdnsReason.NoName => RdnsKind.None,
        _ => RdnsKind.Generic,
    };

    /// <summary>The class as log lines and documents have it.</summary>
    public string Word => WordOf(Kind);

    /// <summary>The reason as log lines have it: for what S25R knows, the number of its rule.</summary>
    public string Why => Reason switch
    {
        RdnsReason.Late => "by=time",
        RdnsReason.LookupFailed => "by=failure",
        RdnsReason.TableFailed => "by=table",
        RdnsReason.LooksLikeServer => "by=name",
        RdnsReason.ServerMap => "by=server_maps",
        RdnsReason.BigSender => "by=big_senders",
        RdnsReason.GenericMap => "by=generic_maps",
        RdnsReason.NotConfirmed or RdnsReason.NoName => "rule=0",
        RdnsReason.Rule1 => "rule=1",
        RdnsReason.Rule2 => "rule=2",
        RdnsReason.Rule3 => "rule=3",
        RdnsReason.Rule4 => "rule=4",
        RdnsReason.Rule5 => "rule=5",
        _ => "rule=6",
    };

    /// <summary>Class and reason, as in the mail log.</summary>
    public override string ToString() => $"{Word} {Why}";

    /// <summary>A class as log lines and documents have it.</summary>
    public static string WordOf(RdnsKind kind) => kind switch
    {
        RdnsKind.Named => "named",
        RdnsKind.Generic => "generic",
        RdnsKind.Unconfirmed => "unconfirmed",
        RdnsKind.None => "none",
        _ => "undecided",
    };
}

/// <summary>Why a client is in its class.</summary>
public enum RdnsReason : byte
{
    /// <summary>DNS has not answered in time.</summary>
    Late,

    /// <summary>DNS has answered that it cannot say.</summary>
    LookupFailed,

    /// <summary>A table of names cannot be asked.</summary>
    TableFailed,

    /// <summary>No rule matches.</summary>
    LooksLikeServer,

    /// <summary><c>postern_rdns_server_maps</c> has the name.</summary>
    ServerMap,

    /// <summary><c>postern_rdns_big_senders</c> has the name.</summary>
    BigSender,

    /// <summary><c>postern_rdns_generic_maps</c> has the name.</summary>
    GenericMap,

    /// <summary>S25R rule 0: the name does not lead back to the address.</summary>
    NotConfirmed,

    /// <summary>S25R rule 0: there is no name.</summary>
    NoName,

    /// <summary>S25R rule 1.</summary>
    Rule1,

    /// <summary>S25R rule 2.</summary>
    Rule2,

    /// <summary>S25R rule 3.</summary>
    Rule3,

    /// <summary>S25R rule 4.</summary>
    Rule4,

    /// <summary>S25R rule 5.</summary>
    Rule5,

    /// <summary>S25R rule 6.</summary>
    Rule6,
}
