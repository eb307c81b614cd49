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
    /// <param name="mayReadLater">Whether a large table may still be unread when the first client is asked about (<see cref="TryEvaluate"/>).</param>
    public static AccessList Parse(
        string text, MatchList mynetworks, MatchList? ownHosts, TableCatalog tables, IWarningSink warnings, bool mayReadLater = false)
    {
        var elements = new List<Element>();
        var options = tables.Postfix.Has(PostfixDifferences.AccessTableNames) ? "(0,lock|fold_fix|utf8_request)" : "";
        ReadOnlySpan<char> rest = text;
        while (ListText.TryTakeToken(ref rest, out var token))
        {
            var word = token.ToString();
            elements.Add(new Element(word, word.Contains(':') ? tables.OpenUtf8(word, foldCase: true, warnings, mayReadLater) : null, word + options));
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
            judge.Obey("", origin ?? ParameterName, default, mayWait: true, warnings);
        while (ListText.TryTakeToken(ref rest, out var word))
        {
            if (!IsMyNetworks(word) && judge.Obey(word, origin ?? ParameterName, default, mayWait: true, warnings) is not Step.GoOn)
                return;
        }
    }

    /// <summary>Asks the list about a client, and waits for its tables where there is something to wait for.</summary>
    public AccessVerdict Evaluate(IpAddress client, IWarningSink warnings) => Explain(client, warnings, out _);

    /// <summary>Asks the list about a client, and which of its words decided.</summary>
    /// <param name="decider">Null when none did, or the list ended in an error.</param>
    public AccessVerdict Explain(IpAddress client, IWarningSink warnings, out string? decider)
    {
        var index = 0;
        var verdict = Evaluate(client, warnings, mayWait: true, ref index);
        decider = index < _elements.Length ? _elements[index].Word : null;
        return verdict!.Value;
    }

    /// <summary>
    /// Asks the list about a client, as far as there is nothing to wait for. Allocates nothing while tables of networks answer
    /// with words it knows.
    /// </summary>
    /// <param name="rest">To be asked on another thread; null: there is a verdict.</param>
    public AccessVerdict TryEvaluate(IpAddress client, IWarningSink warnings, out TableQuestion<AccessVerdict>? rest)
    {
        rest = null;
        var index = 0;
        if (Evaluate(client, warnings, mayWait: false, ref index) is { } verdict)
            return verdict;
        var next = _elements[index];
        rest = AskFrom(index, client, next.Table?.Wait ?? _mynetworks.Wait);
        return AccessVerdict.Undecided;
    }

    // Apart, so that only who has to wait pays for what the question keeps.
    private TableQuestion<AccessVerdict> AskFrom(int index, IpAddress client, LookupWait wait) =>
        new(sink => Evaluate(client, sink, mayWait: true, ref index)!.Value, AccessVerdict.Undecided)
        {
            Wait = wait == LookupWait.None ? LookupWait.Answer : wait, // a table's answer sends the client on to mynetworks
            Asked = this,
        };

    /// <param name="index">Where to begin, and then the word that decided; behind the last one: none did.</param>
    /// <returns>Null: the word there has to wait, and may not.</returns>
    private AccessVerdict? Evaluate(IpAddress client, IWarningSink warnings, bool mayWait, ref int index)
    {
        for (; index < _elements.Length; index++)
        {
            ref readonly var element = ref _elements[index];
            var step = element.Table is { } table
                ? LookUp(table, element.Origin, client, mayWait, warnings)
                : Obey(element.Word, ParameterName, client, mayWait, warnings);
            switch (step)
            {
                case Step.Permit:
                    return AccessVerdict.Permit;
                case Step.Reject:
                    return AccessVerdict.Reject;
                case Step.Abort:
                    index = _elements.Length;
                    return AccessVerdict.Undecided;
                case Step.Wait:
                    return null;
                case Step.Dunno when element.Table is null: // of a table it ends only what the table answered
                    return AccessVerdict.Undecided;
            }
        }

        return AccessVerdict.Undecided;
    }

    private Step LookUp(ILookupTable table, string origin, IpAddress client, bool mayWait, IWarningSink warnings)
    {
        if (!mayWait && table.Wait != LookupWait.None)
            return Step.Wait;
        var result = table.Lookup(client, warnings);
        if (result.Status == LookupStatus.NotFound)
            return Step.GoOn;
        if (result.Status == LookupStatus.Error)
        {
            warnings.Warn($"{ParameterName}: {table.Name}: table lookup error -- ignoring the remainder of this access list");
            return Step.Abort;
        }

        if (result.Value.Length == 0)
            return Obey("", origin, client, mayWait, warnings); // to Postfix an empty answer is one unknown word

        var rest = CutAtTable(result.Value, origin, warnings);
        while (ListText.TryTakeToken(ref rest, out var word))
        {
            if (Obey(word, origin, client, mayWait, warnings) is not Step.GoOn and var step)
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

    private Step Obey(ReadOnlySpan<char> word, string origin, IpAddress client, bool mayWait, IWarningSink warnings)
    {
        if (IsMyNetworks(word))
        {
            if (!mayWait && _mynetworks.Wait != LookupWait.None)
                return Step.Wait;
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
        Wait,
    }

    /// <param name="Table">Null: the word is an order.</param>
    /// <param name="Origin">What log lines call the table when it has answered.</param>
    private readonly record struct Element(string Word, ILookupTable? Table, string Origin);
}
