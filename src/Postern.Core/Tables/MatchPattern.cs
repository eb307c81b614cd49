namespace Postern.Core.Tables;

/// <summary>
/// A plain pattern of a match list. What it means for an address is worked out when it is read; that it cannot be
/// understood is an error only when an address is compared with it, as in Postfix.
/// </summary>
internal sealed class MatchPattern
{
    private readonly string _text;
    private readonly IpAddress? _exact;
    private readonly bool _isIPv4;
    private readonly IpNetwork? _network;
    private readonly string? _problem;

    public MatchPattern(string pattern)
    {
        _text = ListText.FoldCase(pattern);
        var bare = _text is ['[', .., ']'] ? _text.AsSpan(1, _text.Length - 2) : _text;
        if (IpAddress.TryParse(bare, out var exact) && bare.SequenceEqual(exact.ToString()))
            _exact = exact; // the comparison is one of texts: only the canonical one can be equal

        _isIPv4 = !_text.Contains(':');
        if (_text.AsSpan().ContainsAny(':', '/') && !_text.AsSpan().ContainsAnyExcept("0123456789abcdef.:[]/"))
        {
            if (IpNetwork.TryParse(_text, out var network, out _problem))
                _network = network;
        }
    }

    /// <summary>As written, in lower case.</summary>
    public string Text => _text;

    /// <summary>Why it cannot be compared with an address; null: it can.</summary>
    public string? Problem => _problem;

    /// <summary>Whether it is for IPv4 addresses rather than IPv6.</summary>
    public bool IsIPv4 => _isIPv4;

    /// <summary>The first of the addresses that match it; null: there is none.</summary>
    public IpAddress? FirstAddress => _exact ?? _network?.Address;

    /// <summary>Whether the case-folded word is this pattern.</summary>
    public bool Matches(string foldedWord) => foldedWord == _text;

    /// <param name="listName">Named in the warning about a pattern that cannot be compared with an address.</param>
    public MatchOutcome Match(IpAddress address, string listName, IWarningSink warnings)
    {
        if (_exact == address)
            return MatchOutcome.Yes;
        if (address.IsIPv4 != _isIPv4)
            return MatchOutcome.No;
        if (_problem is not null)
        {
            warnings.Warn($"{listName}: {_problem}");
            return MatchOutcome.Error;
        }

        return _network is { } network && network.Contains(address) ? MatchOutcome.Yes : MatchOutcome.No;
    }
}
