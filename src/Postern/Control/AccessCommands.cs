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
/// <param name="changed">The file has another version.</param>
/// <param name="log">Takes a line; the second argument says that it is a warning.</param>
/// <param name="clock">The time.</param>
internal sealed class AccessCommands(AccessFile file, Func<IpAddress, bool> forget, Action changed, Action<string, bool> log, TimeProvider clock)
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
        if (network.Length < (network.IsIPv4 ? ShortestIPv4 : ShortestIPv6))
            return $"{text} is more than this is meant for";
        try
        {
            bool? isDone = action switch
            {
                "allow" => file.Set(network, isAllowed: true, who, clock.GetUtcNow()),
                "deny" => file.Set(network, isAllowed: false, who, clock.GetUtcNow()),
                "remove" => file.Set(network, isAllowed: null, who, clock.GetUtcNow()),
                "forget" when IpAddress.TryParse(text, out var client) => forget(client),
                _ => null,
            };
            if (isDone is null)
                return $"no such request: {action} {text}";
            if (!isDone.Value)
                return action == "forget" ? $"{text} is not known" : $"there is no entry for {AccessFile.TextOf(network)}";
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            return Errno.ReasonOf(refusal);
        }

        if (action != "forget")
            changed();
        log($"ACCESS {action.ToUpperInvariant()} {AccessFile.TextOf(network)} by={who}", false);
        answer.WriteLine(AccessFile.TextOf(network));
        return null;
    }

    /// <summary>Whether this can stand in the log and in the file as who did it.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= 64 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '@');
}
