namespace Postern.Core.Tables;

/// <summary>
/// <c>cidr:</c> — rules <c>network result</c>, of which the first that matches wins, and <c>if network</c> … <c>endif</c>
/// around rules for the addresses inside (cidr_table(5)).
/// </summary>
public sealed class CidrTable : ILookupTable
{
    private readonly CidrProgram _ipv4;
    private readonly CidrProgram _ipv6;

    private CidrTable(string name, List<CidrRule> rules)
    {
        Name = name;
        _ipv4 = CidrProgram.Compile(rules, isIPv4: true);
        _ipv6 = CidrProgram.Compile(rules, isIPv4: false);
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Reads the rules. A bad one is reported and skipped; the others count.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        problem = null;
        if (source.Text is not { } text && !InlineRules.TryUnwrap(source.Argument, "cidr", out text, out problem))
            return null;

        var rules = new List<CidrRule>();
        var open = new Stack<int>(); // line numbers of the conditions whose endif is yet to come
        foreach (var line in LogicalLines.Read(text, source.Argument, warnings))
        {
            if (!CidrRule.TryParse(line.Text, out var rule, out var why)
                || (rule.Kind == CidrRuleKind.EndIf && open.Count == 0 && (why = "ENDIF without IF") is not null))
            {
                warnings.Warn($"cidr map {source.Argument}, line {line.LineNumber}: {why}: skipping this rule");
                continue;
            }

            if (rule.Kind == CidrRuleKind.If)
                open.Push(line.LineNumber);
            else if (rule.Kind == CidrRuleKind.EndIf)
                open.Pop();
            rules.Add(rule);
        }

        foreach (var lineNumber in open)
            warnings.Warn($"cidr map {source.Argument}, line {lineNumber}: IF has no matching ENDIF");
        return new CidrTable(source.Name, rules);
    }

    /// <summary>Lists the rules.</summary>
    public static IEnumerable<TableRule> Rules(TableSource source)
    {
        if (source.Text is not { } text && !InlineRules.TryUnwrap(source.Argument, "cidr", out text, out _))
            yield break;
        foreach (var line in LogicalLines.Read(text, source.Argument, DiscardedWarnings.Instance))
        {
            if (CidrRule.TryParse(line.Text, out var rule, out _) && rule.Result is { } result)
                yield return new TableRule(line.LineNumber, (rule.IsNegated ? "!" : "") + rule.Network, result);
        }
    }

    /// <summary>Which rule of a file decides about an address, for messages: the scan above, but slowly and with line numbers.</summary>
    /// <returns>The number of its line, from 1; null: none does.</returns>
    public static int? FindLine(string text, IpAddress address)
    {
        var skipped = 0; // conditions that are open around here, from the first that does not hold
        foreach (var line in LogicalLines.Read(text, "", DiscardedWarnings.Instance))
        {
            if (!CidrRule.TryParse(line.Text, out var rule, out _))
                continue;
            var matches = rule.Network.IsIPv4 == address.IsIPv4 && rule.Network.Contains(address) != rule.IsNegated;
            switch (rule.Kind)
            {
                case CidrRuleKind.EndIf:
                    skipped = Math.Max(0, skipped - 1);
                    break;
                case CidrRuleKind.If when skipped > 0 || !matches:
                    skipped++;
                    break;
                case CidrRuleKind.Result when skipped == 0 && matches:
                    return line.LineNumber;
            }
        }

        return null;
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        if (!IpAddress.TryParse(key, out var address))
            return LookupResult.NotFound;
        // A mapped address in IPv6 notation counts as IPv6 here; clients never have such a text.
        return Answer(key.Contains(':') ? _ipv6.Find(address) : _ipv4.Find(address));
    }

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) =>
        Answer(address.IsIPv4 ? _ipv4.Find(address) : _ipv6.Find(address));

    private static LookupResult Answer(string? result) =>
        result is null ? LookupResult.NotFound : LookupResult.Found(result);
}
