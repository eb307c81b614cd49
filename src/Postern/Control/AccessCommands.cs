using Postern.Core;
using Postern.Core.Tables;
using Postern.Native;

namespace Postern.Control;

/// <summary>
/// What the control socket does for the page: <c>access allow|deny|remove NETWORK WHO</c> and <c>access forget ADDRESS WHO</c>.
/// Each is a line in the log, with who and when; <c>access refused ADDRESS</c> is no more than that.
/// </summary>
/// <param name="file">Where it is written.</param>
/// <param name="forget">Forgets a client in all temporary allowlists; false: nobody knew it.</param>
/// <param name="readNow">Puts into force what a file holds now, and says why that is not possible; null: it is done.</param>
/// <param name="log">Takes a line; the second argument says that it is a warning.</param>
/// <param name="clock">The time.</param>
internal sealed class AccessCommands(AccessFile file, Func<IpAddress, bool> forget, Func<string, string?> readNow, Action<string, bool> log, TimeProvider clock)
{
    /// <summary>Bits of a network that may be allowed or denied with one word: a slip should not open the gate to everybody.</summary>
    public const int ShortestIPv4 = 8, ShortestIPv6 = 16;

    /// <inheritdoc cref="ControlCommand" />
    public string? Answer(string[] words, TextWriter answer)
    {
        if (words is ["refused", var stranger] && IpAddress.TryParse(stranger, out var from))
        {
            log($"postern_http: wrong token from [{from}]", true);
            return null;
        }

        if (words is not [var action, var text, var who] || !IsName(who))
            return "access takes an action, an address and a name";
        if (!IpNetwork.TryParse(text, out var network, out var problem))
            return problem;
        network = network.Unmapped; // a client with a mapped address is an IPv4 client
        if (network.Length < (network.IsIPv4 ? ShortestIPv4 : ShortestIPv6))
            return $"{text} is more than this is meant for";
        if (action is "forget" && IpAddress.TryParse(text, out var client))
        {
            if (!forget(client))
                return $"{text} is not known";
        }
        else if (action is not ("allow" or "deny" or "remove"))
        {
            return $"no such request: {action} {text}";
        }
        else if (Change(network, action, who) is { } refusal)
        {
            return refusal;
        }

        log($"ACCESS {action.ToUpperInvariant()} {AccessFile.TextOf(network)} by={who}", false);
        answer.WriteLine(AccessFile.TextOf(network));
        return null;
    }

    /// <summary>Writes the file, and takes the change back when it cannot be put into force.</summary>
    /// <returns>Why there is no change; null: it is in force.</returns>
    private string? Change(IpNetwork network, string action, string who)
    {
        byte[]? former = null;
        var isWritten = false;
        try
        {
            isWritten = file.Set(network, action == "remove" ? null : action == "allow", who, clock.GetUtcNow(), out former);
            if (!isWritten)
                return $"there is no entry for {AccessFile.TextOf(network)}";
            if (readNow(file.Path) is not { } problem)
                return null;
            file.Restore(former);
            _ = readNow(file.Path); // so that nobody takes the former content for news
            return $"not in force: {problem}";
        }
        catch (TimeoutException)
        {
            file.Restore(former);
            return "not in force: the daemon is reading other tables and has no time; try again";
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            return isWritten ? $"{Errno.ReasonOf(refusal)}; {file.Path} has the change, which may not be in force" : Errno.ReasonOf(refusal);
        }
    }

    /// <summary>Whether this can stand in the log and in the file as who did it.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= 64 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '@');
}
