using Postern.Core.Versions;

namespace Postern.Core.Tables;

/// <summary>
/// The permanent access list (<c>postscreen_access_list</c>): words and tables in order, evaluated for each client. What a
/// table answers is a list of words again.
/// </summary>
public sealed class AccessList
{
    private const string ParameterName = "postscreen_access_list";

    private readonly Element[] _elements;
    private readonly MatchList _mynetworks;

    private readonly MatchList? _ownHosts;

    private AccessList(Element[] elements, MatchList mynetworks, MatchList? ownHosts) =>
        (_elements, _mynetworks, _ownHosts) = (elements, mynetworks, ownHosts);

    /// <summary>Decides nothing.</summary>
    public static readonly AccessList Empty = new([], MatchList.Everything, null);

    /// <summary>Reads a list. Unknown words are kept: as in Postfix they are found out when a client gets that far.</summary>
    /// <param name="text">The parameter's value, expanded.</param>
    /// <param name="mynetworks">What <c>permit_mynetworks</c> asks.</param>
    /// <param name="ownHosts">
    /// Set when <paramref name="mynetworks"/> are the own subnets only because <c>compatibility_level</c> is low: what a newer
    /// level permits. Whoever is let in beyond that is worth a line.
    /// </param>
    /// <param name="warnings">Told of bad lines in tables.</param>
    public static AccessList Parse(string text, MatchList mynetworks, MatchList? ownHosts, TableCatalog tables, IWarningSink warnings)
    {
        var elements = new List<Element>();
        var options = tables.Postfix.Has(PostfixDifferences.AccessTableNames) ? "(0,lock|fold_fix|utf8_request)" : "";
        ReadOnlySpan<char> rest = text;
        while (ListText.TryTakeToken(ref rest, out var token))
        {
            var word = token.ToString();
            elements.Add(new Element(word, word.Contains(':') ? tables.OpenUtf8(word, foldCase: true, warnings) : null, word + options));
        }

        return new AccessList([.. elements], mynetworks, ownHosts);
    }

    /// <summary>What <c>permit_mynetworks</c> asks.</summary>
    public MatchList MyNetworks => _mynetworks;

    /// <summary>Whether a word of the list asks <see cref="MyNetworks"/>; a table's answer may, too.</summary>
    public bool AsksMyNetworks => Array.Exists(_elements, static element => IsMyNetworks(element.Word));

    /// <summary>The words of the list that name no table, in order.</summary>
    public IEnumerable<string> Commands => _elements.Where(static element => element.Table is null).Select(static element => element.Word);

    /// <summary>The words of the list that name tables, in order.</summary>
    public IEnumerable<string> Tables => _elements.Where(static element => element.Table is not null).Select(static element => element.Word);

    /// <summary>Says what is wrong with the words of an answer, as an evaluation that comes to each of them would.</summary>
    /// <param name="answer">What a table answers, or a word of the list.</param>
    /// <param name="origin">The table; null: the list itself.</param>
    /// <param name="warnings">Told as when a client is there.</param>
    public static void Judge(string answer, string? origin, IWarningSink warnings)
    {
        var rest = origin is null ? answer : CutAtTable(answer, origin, warnings);
        var judge = Empty;
        if (answer.Length == 0)
            judge.Obey("", origin ?? ParameterName, default, warnings);
        while (ListText.TryTakeToken(ref rest, out var word))
        {
            if (!IsMyNetworks(word) && judge.Obey(word, origin ?? ParameterName, default, warnings) is not Step.GoOn)
                return;
        }
    }

    /// <summary>Asks the list about a client. Allocates nothing while tables of networks answer with words it knows.</summary>
    public AccessVerdict Evaluate(IpAddress client, IWarningSink warnings) => Evaluate(client, warnings, out _);

    /// <summary>Asks the list about a client, and which of its words decided.</summary>
    /// <param name="decider">Null when none did, or the list ended in an error.</param>
    public AccessVerdict Explain(IpAddress client, IWarningSink warnings, out string? decider)
    {
        var verdict = Evaluate(client, warnings, out var index);
        decider = index < 0 ? null : _elements[index].Word;
        return verdict;
    }

    private AccessVerdict Evaluate(IpAddress client, IWarningSink warnings, out int decider)
    {
        for (decider = 0; decider < _elements.Length; decider++)
        {
            ref readonly var element = ref _elements[decider];
            var step = element.Table is { } table
                ? LookUp(table, element.Origin, client, warnings)
                : Obey(element.Word, ParameterName, client, warnings);
            switch (step)
            {
                case Step.Permit:
                    return AccessVerdict.Permit;
                case Step.Reject:
                    return AccessVerdict.Reject;
                case Step.Abort:
                    decider = -1;
                    return AccessVerdict.Undecided;
                case Step.Dunno when element.Table is null: // of a table it ends only what the table answered
                    return AccessVerdict.Undecided;
            }
        }

        decider = -1;
        return AccessVerdict.Undecided;
    }

    private Step LookUp(ILookupTable table, string origin, IpAddress client, IWarningSink warnings)
    {
        var result = table.Lookup(client, warnings);
        if (result.Status == LookupStatus.NotFound)
            return Step.GoOn;
        if (result.Status == LookupStatus.Error)
        {
            warnings.Warn($"{ParameterName}: {table.Name}: table lookup error -- ignoring the remainder of this access list");
            return Step.Abort;
        }

        if (result.Value.Length == 0)
            return Obey("", origin, client, warnings); // to Postfix an empty answer is one unknown word

        var rest = CutAtTable(result.Value, origin, warnings);
        while (ListText.TryTakeToken(ref rest, out var word))
        {
            if (Obey(word, origin, client, warnings) is not Step.GoOn and var step)
                return step;
        }

        return Step.GoOn;
    }

    /// <summary>A table's answer cannot send the client on to another table. Postfix finds that out before it obeys a word.</summary>
    private static ReadOnlySpan<char> CutAtTable(ReadOnlySpan<char> words, string origin, IWarningSink warnings)
    {
        if (!words.Contains(':'))
            return words;
        var rest = words;
        while (true)
        {
            var kept = words[..^rest.Length];
            if (!ListText.TryTakeToken(ref rest, out var word))
                return words;
            if (!word.Contains(':'))
                continue;
            warnings.Warn($"table {origin}: lookup result \"{word}\" is not allowed -- ignoring remainder of access list");
            return kept;
        }
    }

    private Step Obey(ReadOnlySpan<char> word, string origin, IpAddress client, IWarningSink warnings)
    {
        if (IsMyNetworks(word))
        {
            var outcome = _mynetworks.Match(client, warnings);
            if (outcome == MatchOutcome.Yes && _ownHosts?.Match(client, warnings) == MatchOutcome.No)
                warnings.Note($"using backwards-compatible default setting mynetworks_style=subnet to permit request from client \"{client}\"");
            if (outcome != MatchOutcome.Error)
                return outcome == MatchOutcome.Yes ? Step.Permit : Step.GoOn;
            warnings.Warn($"{origin}: permit_mynetworks: mynetworks lookup error -- ignoring the remainder of this access list");
            return Step.Abort;
        }

        if (word.Equals("permit", StringComparison.OrdinalIgnoreCase))
            return Step.Permit;
        if (word.Equals("reject", StringComparison.OrdinalIgnoreCase))
            return Step.Reject;
        if (word.Equals("dunno", StringComparison.OrdinalIgnoreCase))
            return Step.Dunno;
        warnings.Warn($"{origin}: unknown command: {word} -- ignoring the remainder of this access list");
        return Step.Abort;
    }

    private static bool IsMyNetworks(ReadOnlySpan<char> word) => word.Equals("permit_mynetworks", StringComparison.OrdinalIgnoreCase);

    private enum Step
    {
        GoOn,
        Permit,
        Reject,
        Dunno,
        Abort,
    }

    /// <param name="Table">Null: the word is an order.</param>
    /// <param name="Origin">What log lines call the table when it has answered.</param>
    private readonly record struct Element(string Word, ILookupTable? Table, string Origin);
}
