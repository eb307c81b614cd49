namespace Postern.Core.Tables;

/// <summary>The list of tables that a table is made of: <c>{type:name, type:name}</c>.</summary>
internal static class MemberList
{
    /// <returns>Null with a problem in Postfix's words.</returns>
    public static ILookupTable[]? Open(string typeName, TableSource source, TableCatalog tables, IWarningSink warnings, out string? problem)
    {
        problem = $"bad syntax: \"{source.Name}\"; need \"{typeName}:{{type:name...}}\"";
        if (!TryUnwrap(source.Argument, out var elements))
            return null;
        foreach (var element in elements)
        {
            if (!element.Contains(':'))
                return null;
        }

        problem = null;
        var members = new ILookupTable[elements.Count];
        for (var i = 0; i < members.Length; i++)
            members[i] = tables.Open(elements[i], source.FoldCase, source.Duplicates, warnings);
        return members;
    }

    /// <summary>What a look-up in all of them may have to wait for.</summary>
    public static LookupWait WaitOf(ILookupTable[] members)
    {
        var longest = LookupWait.None;
        foreach (var member in members)
            longest = member.Wait > longest ? member.Wait : longest;
        return longest;
    }

    /// <summary>Splits <c>{a, b, {c d}}</c>; what stands in inner braces keeps them.</summary>
    /// <returns>Whether there is at least one element.</returns>
    public static bool TryUnwrap(ReadOnlySpan<char> argument, out List<string> elements)
    {
        elements = [];
        argument = ListText.BeforeNul(argument);
        if (argument.Length < 2 || ListText.BalancedLength(argument) != argument.Length)
            return false;
        var rest = argument[1..^1];
        while (ListText.TryTakeToken(ref rest, out var element))
            elements.Add(element.ToString());
        return elements.Count > 0;
    }
}
