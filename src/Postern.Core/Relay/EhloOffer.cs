using System.Globalization;
using System.Text;
using Postern.Core.Smtp;

namespace Postern.Core.Relay;

/// <summary>What a server offers in its reply to EHLO.</summary>
/// <param name="Keywords">Those that matter to us.</param>
/// <param name="SizeLimit">The number behind SIZE, in bytes; 0: no limit is named.</param>
/// <param name="XclientAttributes">What stands behind XCLIENT; null: it is not offered.</param>
public sealed record EhloOffer(EhloKeywords Keywords, long SizeLimit, string? XclientAttributes)
{
    // What a client that was promised it may use in its mail. Verbs are asked for, and a no hurts nobody.
    private const EhloKeywords Binding =
        EhloKeywords.Size | EhloKeywords.EightBitMime | EhloKeywords.Dsn | EhloKeywords.SmtpUtf8 | EhloKeywords.Chunking;

    private const int LongestMechanism = 20; // RFC 4422 §3.1
    private const int MostMechanisms = 30;

    /// <summary>What stands behind AUTH; empty: it is not offered.</summary>
    public IReadOnlyList<string> Mechanisms { get; init; } = [];

    /// <summary>What a client may rely on when nothing is known of the server: nothing.</summary>
    public static readonly EhloOffer Nothing = new(EhloKeywords.None, 0, null);

    /// <summary>Reads a reply; unknown keywords count for nothing.</summary>
    public static EhloOffer Parse(ServerReply reply)
    {
        var (keywords, size, xclient) = (EhloKeywords.None, 0L, (string?)null);
        string[] mechanisms = [];
        var isFirst = true;
        foreach (var line in Encoding.Latin1.GetString(reply.Lines).Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            if (isFirst || line.Length < 5)
            {
                isFirst = false;
                continue;
            }

            var text = line[4..];
            var blank = text.IndexOf(' ');
            var (name, rest) = blank < 0 ? (text, "") : (text[..blank], text[(blank + 1)..]);
            keywords |= EhloKeywordList.Parse(name);
            if (name.Equals("SIZE", StringComparison.OrdinalIgnoreCase)
                && long.TryParse(rest.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var limit))
            {
                size = limit;
            }

            if (name.Equals("XCLIENT", StringComparison.OrdinalIgnoreCase))
                xclient = rest;
            if (name.Equals("AUTH", StringComparison.OrdinalIgnoreCase))
                mechanisms = [.. rest.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(IsMechanism).Take(MostMechanisms)];
        }

        return new EhloOffer(keywords & ~EhloKeywords.SilentDiscard, size, xclient) { Mechanisms = mechanisms };
    }

    /// <summary>What both offer.</summary>
    public EhloOffer And(EhloOffer other) => new(Keywords & other.Keywords, SmallerLimit(SizeLimit, other.SizeLimit), null)
    {
        Mechanisms = [.. Mechanisms.Intersect(other.Mechanisms, StringComparer.OrdinalIgnoreCase)],
    };

    /// <inheritdoc />
    public bool Equals(EhloOffer? other) => other is not null && (Keywords, SizeLimit, XclientAttributes) == (other.Keywords, other.SizeLimit, other.XclientAttributes)
        && Mechanisms.SequenceEqual(other.Mechanisms, StringComparer.Ordinal);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Keywords, SizeLimit, XclientAttributes, Mechanisms.Count);

    /// <summary>Whether a client that was promised <paramref name="announced"/> finds all of it here.</summary>
    public bool Keeps(EhloOffer announced) =>
        (announced.Keywords & Binding & ~Keywords) == 0
        && (SizeLimit == 0 || !announced.Keywords.HasFlag(EhloKeywords.Size) || (announced.SizeLimit > 0 && announced.SizeLimit <= SizeLimit));

    // It comes into our own EHLO reply, so it has to be what it should be.
    private static bool IsMechanism(string word) => word.Length <= LongestMechanism && word.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>The stricter of two size limits, 0 being none.</summary>
    public static long SmallerLimit(long one, long other) => one <= 0 ? Math.Max(0, other) : other <= 0 ? one : Math.Min(one, other);
}
