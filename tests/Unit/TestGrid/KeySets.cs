using System.Xml.Linq;

namespace GlobalCache.Tests.TestGrid;

/// <summary>The shape of an LLSD or XML-RPC document: the paths of its keys, array elements taken together.</summary>
internal static class KeySets
{
    public static SortedSet<string> Of(string xml)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        XElement root = XDocument.Parse(xml).Root!;
        Walk(root.Name.LocalName == "llsd" ? root.Elements().First() : root.Descendants("value").First(), "", found);
        return found;
    }

    public static SortedSet<string> Of(XElement value)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        Walk(value, "", found);
        return found;
    }

    private static void Walk(XElement value, string path, SortedSet<string> found)
    {
        switch (value.Name.LocalName)
        {
            case "map":
                foreach (XElement key in value.Elements("key")) Enter(path + "/" + key.Value, (XElement)key.NextNode!, found);
                break;
            case "struct":
                foreach (XElement member in value.Elements("member")) Enter(path + "/" + member.Element("name")!.Value, member.Element("value")!, found);
                break;
            default:
                foreach (XElement inner in value.Elements()) Walk(inner, path, found);
                break;
        }
    }

    private static void Enter(string path, XElement value, SortedSet<string> found)
    {
        found.Add(path);
        Walk(value, path, found);
    }
}
